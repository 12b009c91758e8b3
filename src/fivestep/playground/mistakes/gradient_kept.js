"use strict";

ITEMS.mistakes.gradient_kept = {
  title: "Step 3 left out",
  says:
    "The gradient of every step so far counts again at this one. The weights rush past the minimum and swing back, " +
    "ever wider under sgd; adam divides by the size of the gradient, which hides it for a while.",
  hasCheck: true, // a check of `fivestep diagnose script.py` of the same name finds it
  measured: { settings: { task: "line" }, steps: 100, loss: 1.6332, without: 0.0583 },
  fits: () => true,
  *loop(engine, x, y) {
    const logits = yield engine.forward(x); // 1  predict
    yield engine.loss(logits, y); // 2  measure
    yield engine.backward(); // 4  adds to the last gradient
    yield engine.update(); // 5  step along all of them
  },
};
