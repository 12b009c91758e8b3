"use strict";

/** The hyperbolic tangent, in (-1, 1). */
ITEMS.activations.tanh = {
  formula: "tanh(z)",
  slope: "1 - a^2",
  value: (z) => Math.tanh(z),
  derivative: (z, a) => 1 - a * a,
};
