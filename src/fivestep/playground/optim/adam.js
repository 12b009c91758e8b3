"use strict";

/** Steps along the mean gradient m, divided by the root of its mean square v; t counts steps from 1. */
ITEMS.optim.adam = {
  memory: ["m", "v"],
  weightDecay: 0, // where none is chosen
  hasMomentum: false,
  formula: [
    "m <- 0.9 m + 0.1 dw,  m^ = m / (1 - 0.9^t)",
    "v <- 0.999 v + 0.001 dw^2,  v^ = v / (1 - 0.999^t)",
    "w <- w - lr m^ / (sqrt(v^) + 1e-8)",
  ],
  update(w, dw, { m, v }, { lr, weightDecay, step: t }) {
    for (let k = 0; k < w.length; k++) {
      const g = dw[k] + weightDecay * w[k];
      m[k] = 0.9 * m[k] + 0.1 * g;
      v[k] = 0.999 * v[k] + 0.001 * g * g;
      w[k] -= (lr * (m[k] / (1 - 0.9 ** t))) / (Math.sqrt(v[k] / (1 - 0.999 ** t)) + 1e-8);
    }
  },
};
