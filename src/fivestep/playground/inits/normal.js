"use strict";

/** Weights N(0, std^2), biases 0. */
ITEMS.inits.normal = {
  hasStd: true,
  weight: (W, fanIn, fanOut, generator, std) => generator.normal(W, std),
  bias: (b, fanIn, generator) => b.fill(0),
};
