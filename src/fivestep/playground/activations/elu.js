"use strict";

/** The exponential linear unit. */
ITEMS.activations.elu = {
  formula: "z where z > 0 and exp(z) - 1 elsewhere",
  slope: "1 where z > 0 and exp(z) elsewhere",
  value: (z) => (z > 0 ? z : Math.expm1(z)),
  derivative: (z, a) => (z > 0 ? 1 : a + 1),
};
