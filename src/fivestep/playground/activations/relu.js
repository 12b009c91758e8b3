"use strict";

/** The rectified linear unit; at z = 0 the derivative 0 is taken, as in torch. */
ITEMS.activations.relu = {
  formula: "max(z, 0)",
  slope: "1 where z > 0 and 0 elsewhere",
  value: (z) => (z > 0 ? z : 0),
  derivative: (z) => (z > 0 ? 1 : 0),
};
