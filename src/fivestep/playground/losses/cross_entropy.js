"use strict";

/** The cross-entropy of a softmax, in nats, on the logits z (C,) of a row: log sum_c exp z_c - z_y. */
ITEMS.losses.cross_entropy = {
  fits: ["classes"],
  formula: "-log p[y]",
  gradientFormula: "(p - one_hot(y))",
  standsFor: ["p", "softmax(logits)"],
  row: (z, y) => {
    const largest = Math.max(...z); // less it, no power overflows
    return largest + Math.log(z.reduce((sum, each) => sum + Math.exp(each - largest), 0)) - z[y];
  },
  gradient(z, y) {
    return this.share(z).map((p, c) => (c === y ? p - 1 : p));
  },
  share: (z) => {
    const largest = Math.max(...z);
    const powers = z.map((each) => Math.exp(each - largest));
    const sum = powers.reduce((total, power) => total + power, 0);
    return powers.map((power) => power / sum);
  }, // of each class, (C,)
};
