"use strict";

/** Divides the gradient by the root of its mean square v. */
ITEMS.optim.rmsprop = {
  memory: ["v"],
  weightDecay: 0, // where none is chosen
  hasMomentum: false,
  formula: ["v <- 0.99 v + 0.01 dw^2", "w <- w - lr dw / (sqrt(v) + 1e-8)"],
  update(w, dw, { v }, { lr, weightDecay }) {
    for (let k = 0; k < w.length; k++) {
      const g = dw[k] + weightDecay * w[k];
      v[k] = 0.99 * v[k] + (1 - 0.99) * g * g;
      w[k] -= (lr * g) / (Math.sqrt(v[k]) + 1e-8);
    }
  },
};
