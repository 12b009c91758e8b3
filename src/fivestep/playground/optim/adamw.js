"use strict";

/** Adam's step after the weights have shrunk by themselves: the decay is no part of the gradient. */
ITEMS.optim.adamw = {
  memory: ["m", "v"],
  weightDecay: 0.01, // where none is chosen
  hasMomentum: false,
  formula: ["w <- (1 - lr weight_decay) w", "then Adam's step"],
  update(w, dw, memory, { lr, weightDecay, step }) {
    for (let k = 0; k < w.length; k++) w[k] *= 1 - lr * weightDecay;
    ITEMS.optim.adam.update(w, dw, memory, { lr, weightDecay: 0, step });
  },
};
