"use strict";

/** Softplus, a smooth relu, in a form that never overflows. */
ITEMS.activations.softplus = {
  formula: "log(1 + exp(z))",
  slope: "sigmoid(z)",
  value: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  derivative: (z) => 1 / (1 + Math.exp(-z)),
};
