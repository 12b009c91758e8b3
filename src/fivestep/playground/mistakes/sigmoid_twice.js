"use strict";

ITEMS.mistakes.sigmoid_twice = {
  title: "Sigmoid twice",
  says:
    "The loss takes logits and has a sigmoid inside. Given sigmoid(logits), it sees numbers between 0 and 1: no row " +
    "can be more certain than 0.73, the loss of a no stays at 0.69 or above, and the gradient fades.",
  hasCheck: true, // a check of `fivestep diagnose script.py` of the same name finds it
  measured: { settings: { task: "moons" }, steps: 300, loss: 0.6996, without: 0.0888 },
  fits: ({ loss }) => loss === "binary_cross_entropy",
  criterion(item) {
    const sigmoid = (z) => 1 / (1 + Math.exp(-z));
    return meanOverRows({
      row: (z, y) => item.row(sigmoid(z), y),
      gradient: (z, y) => item.gradient(sigmoid(z), y) * sigmoid(z) * (1 - sigmoid(z)),
    });
  },
};
