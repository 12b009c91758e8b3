"use strict";

/** The sigmoid linear unit, also called swish. */
ITEMS.activations.silu = {
  formula: "z sigmoid(z)",
  slope: "s + a (1 - s), s = sigmoid(z)",
  value: (z) => z / (1 + Math.exp(-z)),
  derivative: (z, a) => {
    const s = 1 / (1 + Math.exp(-z));
    return s + a * (1 - s);
  },
};
