"use strict";

ITEMS.mistakes.softmax_twice = {
  title: "Softmax twice",
  says:
    "The loss takes logits and has a softmax inside. Given softmax(logits), it sees numbers between 0 and 1: of " +
    "three classes none can be more certain than 0.58, and the gradient fades. It still learns, " +
    "which hides the mistake, but slowly.",
  hasCheck: true, // a check of `fivestep diagnose script.py` of the same name finds it
  measured: { settings: { task: "three-spirals" }, steps: 300, loss: 0.1105, without: 0.0426 },
  fits: ({ loss }) => loss === "cross_entropy",
  criterion: (item) =>
    meanOverRows({
      row: (z, y) => item.row(item.share(z), y),
      gradient: (z, y) => {
        const p = item.share(z);
        const dp = item.gradient(p, y);
        const mean = dp.reduce((sum, each, c) => sum + each * p[c], 0);
        return p.map((each, c) => each * (dp[c] - mean));
      },
    }),
};
