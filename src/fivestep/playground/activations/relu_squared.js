"use strict";

/** The squared rectified linear unit, whose derivative has no jump. */
ITEMS.activations.relu_squared = {
  formula: "max(z, 0)^2",
  slope: "2 max(z, 0)",
  value: (z) => (z > 0 ? z * z : 0),
  derivative: (z) => (z > 0 ? 2 * z : 0),
};
