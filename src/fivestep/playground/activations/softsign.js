"use strict";

/** Softsign: it comes to its bounds more slowly than tanh. */
ITEMS.activations.softsign = {
  formula: "z / (1 + |z|)",
  slope: "1 / (1 + |z|)^2",
  value: (z) => z / (1 + Math.abs(z)),
  derivative: (z) => (1 + Math.abs(z)) ** -2,
};
