"use strict";

/** Divides the gradient by the root of the sum s of all its squares so far. */
ITEMS.optim.adagrad = {
  memory: ["s"],
  weightDecay: 0, // where none is chosen
  hasMomentum: false,
  formula: ["s <- s + dw^2", "w <- w - lr dw / (sqrt(s) + 1e-10)"],
  update(w, dw, { s }, { lr, weightDecay }) {
    for (let k = 0; k < w.length; k++) {
      const g = dw[k] + weightDecay * w[k];
      s[k] += g * g;
      w[k] -= (lr * g) / (Math.sqrt(s[k]) + 1e-10);
    }
  },
};
