"use strict";

/** The binary cross-entropy on logits, in nats, in a form that never overflows: -y log p - (1 - y) log(1 - p). */
ITEMS.losses.binary_cross_entropy = {
  fits: ["yes_no"],
  formula: "-y log p - (1 - y) log(1 - p)",
  gradientFormula: "(p - y)",
  standsFor: ["p", "sigmoid(logits)"],
  row: (z, y) => {
    const small = Math.log1p(Math.exp(-Math.abs(z)));
    return y * (Math.max(-z, 0) + small) + (1 - y) * (Math.max(z, 0) + small);
  },
  gradient: (z, y) => 1 / (1 + Math.exp(-z)) - y,
  boundary: 0, // the logit between no and yes
  share: (z) => 1 / (1 + Math.exp(-z)), // of yes, from 0 to 1
};
