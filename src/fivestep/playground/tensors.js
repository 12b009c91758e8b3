"use strict";

/**
 * What a line of the loop made, under the names of `fivestep explain`: W0, b0 and z0 belong to layer 0, a1 to layer 1,
 * and so on. Each is { name, formula, note, shape, data }.
 */
function tensorsOf(training, at) {
  const [before, after] = [training.shots[at], training.shots[at + 1]];
  const { method } = training.lines[at];
  return { forward: made1, loss: made2, zeroGrad: made3, backward: made4, update: made5 }[method](
    training,
    before,
    after,
  );
}

/** What each of the five methods does, in a sentence. */
const SAID = {
  forward:
    "Each row of x goes through the layers, from the first to the last. The numbers of the last layer are the logits.",
  loss: "The loss says in one number how far the logits are from the targets. Training makes it smaller.",
  zeroGrad: "Backward adds to the gradient. What the last step left there is set to zero, or it would count again.",
  backward:
    "From the loss back to the first layer: each takes the gradient of its output, and makes from it those of its " +
    "parameters and of its input.",
  update: "Against its gradient, each parameter moves the way in which the loss falls.",
};

/** The names of what goes into layer k, and of what comes out of it. */
function namesOf(layers, k) {
  const out = (j) => (j < 0 ? "x" : j === layers.length - 1 ? "logits" : layers[j].size ? `z${j}` : `a${j}`);
  return { input: out(k - 1), output: out(k) };
}

/** W and b of layer k as they lie in a flat vector, named with something before. */
function parametersOf(engine, k, flat, before = "", after = "") {
  const { fanIn, fanOut, size } = engine.layers[k];
  const start = engine.layers.slice(0, k).reduce((sum, layer) => sum + layer.size, 0);
  const middle = start + fanOut * fanIn;
  return [
    { name: `${before}W${k}${after}`, shape: [fanOut, fanIn], data: flat.subarray(start, middle) },
    { name: `${before}b${k}${after}`, shape: [fanOut], data: flat.subarray(middle, start + size) },
  ];
}

function made1({ engine, batch }, before) {
  const made = [{ name: "x", note: "one row of inputs for each example", ...batch.x }];
  engine.layers.forEach((layer, k) => {
    const { input, output } = namesOf(engine.layers, k);
    if (layer.size) {
      made.push(...parametersOf(engine, k, before.w));
      made.push({ name: output, formula: `${input} W${k}^T + b${k}`, ...engine.memos[k].z });
    } else {
      made.push({ name: output, formula: layer.f.formula.replaceAll(/\bz\b/g, input), ...engine.memos[k].a });
    }
  });
  return made;
}

function made2({ engine, batch, lossOfStep, mistake, settings }) {
  const [item, logits, N] = [ITEMS.losses[settings.loss], engine.measured.logits, batch.y.shape[0]];
  const made = [{ name: "y", note: "the targets", ...batch.y }];
  if (mistake?.criterion) return [...made, { name: "loss", note: "with the mistake", ...tensor([], [lossOfStep]) }];
  if (item.standsFor) {
    const [name, formula] = item.standsFor;
    const shares = Array.from({ length: N }, (_, n) => item.share(outputsOf(logits, n)));
    const p = Float64Array.from(shares.flatMap((share) => (share.length ? [...share] : share)));
    made.push({ name, formula, note: "what the logits stand for", ...tensor(logits.shape, p) });
  }
  const rows = batch.y.data.map((y, n) => item.row(outputsOf(logits, n), y));
  made.push({ name: "l", formula: item.formula, note: "the loss of each row", ...tensor([N], rows) });
  return [...made, { name: "loss", formula: "mean of l", ...tensor([], [lossOfStep]) }];
}

function made3({ engine }, before) {
  const made = engine.layers.flatMap((layer, k) => (layer.size ? parametersOf(engine, k, before.dw, "d") : []));
  return made.map((each) => ({ ...each, note: "what it held before" }));
}

function made4({ engine, batch, mistake, settings }, before, after) {
  const { gradientFormula } = ITEMS.losses[settings.loss];
  const formula = mistake?.criterion ? undefined : `${gradientFormula} / ${batch.y.shape[0]}`;
  const made = [
    { name: "dlogits", formula, note: mistake?.criterion ? "with the mistake" : "", ...engine.measuredMemo.dlogits },
  ];
  for (let k = engine.layers.length - 1; k >= 0; k--) {
    const { input, output } = namesOf(engine.layers, k);
    if (!engine.layers[k].size) {
      const { slope, dz } = engine.memos[k];
      made.push({
        name: `f'(${input})`,
        formula: engine.layers[k].f.slope.replaceAll(/\bz\b/g, input).replaceAll(/\ba\b/g, output),
        ...slope,
      });
      made.push({ name: `d${input}`, formula: `d${output} * f'(${input})`, ...dz });
      continue;
    }
    const [dW, db] = parametersOf(engine, k, after.dw, "d");
    const note = before.dw.some((value) => value !== 0) ? "added to what it held" : "";
    made.push(
      { ...dW, formula: `d${output}^T ${input}`, note },
      { ...db, formula: `sum of d${output} over the rows`, note },
    );
    if (k > 0) made.push({ name: `d${input}`, formula: `d${output} W${k}`, ...engine.memos[k].dx });
  }
  return made;
}

function made5({ engine }, before, after) {
  return engine.layers.flatMap((layer, k) => {
    if (!layer.size) return [];
    const isIdle = engine.rule.hasMomentum && !engine.settings.momentum; // then there is no memory
    const kept = Object.entries(isIdle ? {} : after.memory).map(([name, values]) =>
      parametersOf(engine, k, values, `${name} of `),
    );
    const [old, now, gradient] = [
      parametersOf(engine, k, before.w, "old "),
      parametersOf(engine, k, after.w, "new "),
      parametersOf(engine, k, before.dw, "d"),
    ];
    return [0, 1].flatMap((j) => [old[j], gradient[j], ...kept.map((pair) => pair[j]), now[j]]);
  });
}
