"use strict";

/** The Huber loss: squared near the target, absolute far from it. */
ITEMS.losses.huber = {
  fits: ["numbers"],
  formula: "e^2 / 2 where |e| <= 1 and |e| - 1/2 beyond, e = logits - y",
  gradientFormula: "e, held between -1 and 1",
  row: (z, y) => {
    const [e, c] = [z - y, Math.min(1, Math.max(-1, z - y))];
    return c * (e - c / 2);
  },
  gradient: (z, y) => Math.min(1, Math.max(-1, z - y)),
  boundary: 0.5, // the output between no (0) and yes (1)
  share: (z) => z, // of yes, from 0 to 1
};
