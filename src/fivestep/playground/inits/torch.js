"use strict";

/** What torch.nn.Linear does: weights and biases uniform within 1 / sqrt(fan-in). */
ITEMS.inits.torch = {
  hasStd: false,
  weight: (W, fanIn, fanOut, generator, std) => generator.uniform(W, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn)),
  bias: (b, fanIn, generator) => generator.uniform(b, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn)),
};
