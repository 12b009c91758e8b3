"use strict";

ITEMS.mistakes.units_alike = {
  title: "All weights begin at zero",
  says:
    "All units of a layer get the same gradient at every step and remain one unit: look at their pictures. With relu " +
    "or tanh, which are 0 at 0, nothing but the last bias ever moves.",
  hasCheck: true, // a check of `fivestep diagnose script.py` of the same name finds it
  measured: { settings: { task: "moons" }, steps: 300, loss: 0.6931, without: 0.0888 },
  fits: ({ hidden }) => hidden.length > 0,
  settings: (settings) => ({ ...settings, init: "zeros" }),
};
