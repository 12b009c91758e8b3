"use strict";

ITEMS.mistakes.wrong_broadcast = {
  title: "The shape mistake: (N, 1) against (N,)",
  says:
    "Logits (N, 1) less targets (N,) are (N, N): every prediction is compared with the target of every row. The best " +
    "answer to that is the same for all rows, the mean of the targets, and nothing complains.",
  hasCheck: true, // a check of `fivestep diagnose script.py` of the same name finds it
  measured: { settings: { task: "line", lr: 0.1 }, steps: 100, loss: 3.4579, without: 0.0143 },
  fits: ({ loss }) => ITEMS.losses[loss].fits.includes("numbers"), // of these a library makes an (N, N) without a word
  criterion: (item) => ({
    value(logits, y) {
      let sum = 0;
      for (const z of logits.data) for (const target of y.data) sum += item.row(z, target);
      return sum / y.data.length ** 2;
    },
    gradient(logits, y, out) {
      logits.data.forEach((z, n) => {
        let sum = 0;
        for (const target of y.data) sum += item.gradient(z, target);
        out.data[n] = sum / y.data.length ** 2;
      });
    },
  }),
};
