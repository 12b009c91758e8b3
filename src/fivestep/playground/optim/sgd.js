"use strict";

/** w <- w - lr v with v <- momentum v + g, g = dw + weightDecay w; without momentum, v is the gradient itself. */
ITEMS.optim.sgd = {
  memory: ["velocity"],
  weightDecay: 0, // where none is chosen
  hasMomentum: true,
  formula: ["v <- momentum v + dw", "w <- w - lr v"],
  update(w, dw, { velocity: v }, { lr, momentum, weightDecay }) {
    for (let k = 0; k < w.length; k++) {
      v[k] = momentum * v[k] + (dw[k] + weightDecay * w[k]);
      w[k] -= lr * v[k];
    }
  },
};
