"use strict";

/** The leaky rectified linear unit: a unit that is below zero for every row still has a gradient. */
ITEMS.activations.leaky_relu = {
  formula: "z where z > 0 and 0.01 z elsewhere",
  slope: "1 where z > 0 and 0.01 elsewhere",
  value: (z) => (z > 0 ? z : 0.01 * z),
  derivative: (z) => (z > 0 ? 1 : 0.01),
};
