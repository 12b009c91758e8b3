"use strict";

/** The identity: two linear layers around it are one, W2 (W1 x) = (W2 W1) x. */
ITEMS.activations.identity = {
  formula: "z",
  slope: "1",
  value: (z) => z,
  derivative: () => 1,
};
