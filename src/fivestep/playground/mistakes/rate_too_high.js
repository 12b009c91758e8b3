"use strict";

ITEMS.mistakes.rate_too_high = {
  title: "A hundred times the learning rate",
  says:
    "Each step goes past the valley and lands higher on its other side: under sgd the loss grows until it is no " +
    "number. The other rules take out the size of the gradient: their curve jumps, and ends higher.",
  measured: { settings: { task: "line" }, steps: 20, loss: 1648.9973, without: 1.5193 },
  fits: () => true,
  settings: (settings) => ({ ...settings, lr: 100 * settings.lr }),
};
