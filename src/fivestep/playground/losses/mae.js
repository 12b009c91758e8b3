"use strict";

/** The mean absolute error: its best constant is the median of the targets. */
ITEMS.losses.mae = {
  fits: ["numbers"],
  formula: "|logits - y|",
  gradientFormula: "sign(logits - y)",
  row: (z, y) => Math.abs(z - y),
  gradient: (z, y) => Math.sign(z - y),
  boundary: 0.5, // the output between no (0) and yes (1)
  share: (z) => z, // of yes, from 0 to 1
};
