"use strict";

/** The hinge loss: max(0, 1 - s z) with s = 2 y - 1. A right answer costs nothing once it is a margin of 1 away. */
ITEMS.losses.hinge = {
  fits: ["yes_no"],
  formula: "max(0, 1 - s logits), s = 2 y - 1",
  gradientFormula: "-s where s logits < 1, else 0,",
  row: (z, y) => Math.max(0, 1 - (2 * y - 1) * z),
  gradient: (z, y) => ((2 * y - 1) * z < 1 ? 1 - 2 * y : 0),
  boundary: 0, // the output between no and yes
  share: (z) => (Math.min(1, Math.max(-1, z)) + 1) / 2, // a picture's, not a probability
};
