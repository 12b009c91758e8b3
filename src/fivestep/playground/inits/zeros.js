"use strict";

/** Weights 0 and biases 0: all units of a hidden layer remain one unit. */
ITEMS.inits.zeros = {
  hasStd: false,
  weight: (W, fanIn, fanOut, generator, std) => W.fill(0),
  bias: (b, fanIn, generator) => b.fill(0),
};
