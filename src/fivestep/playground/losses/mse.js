"use strict";

/** The mean squared error. */
ITEMS.losses.mse = {
  fits: ["numbers", "yes_no"],
  formula: "(logits - y)^2",
  gradientFormula: "2 (logits - y)",
  row: (z, y) => (z - y) ** 2,
  gradient: (z, y) => 2 * (z - y),
  boundary: 0.5, // the output between no (0) and yes (1)
  share: (z) => z, // of yes, from 0 to 1
};
