"use strict";

/** Weights N(0, 2 / fan-in), which keeps the mean square of activations through relu layers; biases 0. */
ITEMS.inits.kaiming = {
  hasStd: false,
  weight: (W, fanIn, fanOut, generator, std) => generator.normal(W, Math.sqrt(2 / fanIn)),
  bias: (b, fanIn, generator) => b.fill(0),
};
