"use strict";

/** Steps of the same size lr in every element, with the sign of a mean gradient that leans toward the newest one. */
ITEMS.optim.lion = {
  memory: ["m"],
  weightDecay: 0, // where none is chosen
  hasMomentum: false,
  formula: ["w <- w - lr (sign(0.9 m + 0.1 dw) + weight_decay w)", "m <- 0.99 m + 0.01 dw"],
  update(w, dw, { m }, { lr, weightDecay }) {
    for (let k = 0; k < w.length; k++) {
      const sign = Math.sign(m[k] + (1 - 0.9) * (dw[k] - m[k]));
      w[k] *= 1 - lr * weightDecay;
      w[k] -= lr * sign;
      m[k] += (1 - 0.99) * (dw[k] - m[k]);
    }
  },
};
