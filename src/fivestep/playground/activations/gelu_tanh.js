"use strict";

/** The Gaussian error linear unit, tanh approximation: t = tanh(sqrt(2 / pi) (z + 0.044715 z^3)). */
ITEMS.activations.gelu_tanh = {
  formula: "z (1 + t) / 2",
  slope: "(1 + t) / 2 + z (1 - t^2) u' / 2",
  value: (z) => z * (0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z)))),
  derivative: (z) => {
    const t = Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z * z * z));
    const du = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * z * z);
    return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * du;
  },
};
