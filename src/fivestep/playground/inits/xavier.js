"use strict";

/** Weights uniform, of variance 2 / (fan-in + fan-out); biases 0. */
ITEMS.inits.xavier = {
  hasStd: false,
  weight: (W, fanIn, fanOut, generator, std) => {
    const bound = Math.sqrt(3) * Math.sqrt(2 / (fanIn + fanOut));
    generator.uniform(W, -bound, bound);
  },
  bias: (b, fanIn, generator) => b.fill(0),
};
