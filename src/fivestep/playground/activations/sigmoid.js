"use strict";

/** The logistic function, in (0, 1). */
ITEMS.activations.sigmoid = {
  formula: "1 / (1 + exp(-z))",
  slope: "a (1 - a)",
  value: (z) => 1 / (1 + Math.exp(-z)),
  derivative: (z, a) => a * (1 - a),
};
