"use strict";

ITEMS.mistakes.gradient_cleared_too_late = {
  title: "Step 3 between backward and update",
  says:
    "The new gradient is set to zero before it is used, so step 5 moves nothing: every loss is the first one, to the " +
    "last digit. Before forward, before backward or after the update it does no harm.",
  hasCheck: true, // a check of `fivestep diagnose script.py` of the same name finds it
  measured: { settings: { task: "moons" }, steps: 100, loss: 0.6951, without: 0.1058 },
  fits: () => true,
  *loop(engine, x, y) {
    const logits = yield engine.forward(x); // 1  predict
    yield engine.loss(logits, y); // 2  measure
    yield engine.backward(); // 4  find the gradient
    yield engine.zeroGrad(); // 3  and forget it
    yield engine.update(); // 5  a step along nothing
  },
};
