"use strict";

/**
 * The five steps by hand, in JavaScript: the lines of engines/scratch.py, in float64. From the same weights and the
 * same batches it gives the same numbers, step for step.
 *
 * For a network of layers f_1 ... f_L the training pass computes
 *
 *     a_0 = x,    a_k = f_k(a_{k-1}; w_k),    loss = l(a_L, y)
 *
 * and the chain rule, read from right to left, gives every gradient in one sweep. With da_k = dloss/da_k,
 *
 *     da_L     = dl/da_L                          the loss's own gradient, in losses/
 *     dw_k     = da_k df_k/dw_k                   added to the gradient of layer k
 *     da_{k-1} = da_k df_k/da_{k-1}               handed to the layer below
 *
 * The two local derivatives of each layer are derived in layers.js.
 */
class Engine {
  /**
   * Settings: inFeatures, hidden (widths), numOutputs, activation, init, std, loss, optimizer, lr, momentum,
   * weightDecay, seed.
   */
  constructor(settings) {
    this.settings = settings; // lr, momentum and weightDecay may change between two steps
    this.layers = layersOf(settings);
    const numParameters = this.layers.reduce((sum, layer) => sum + layer.size, 0);
    this.w = new Float64Array(numParameters);
    this.dw = new Float64Array(numParameters);
    let start = 0;
    for (const layer of this.layers) {
      layer.lieIn(this.w, this.dw, start);
      start += layer.size;
    }
    drawWeights(this.layers, settings);
    this.criterion = meanOverRows(ITEMS.losses[settings.loss]);
    this.rule = ITEMS.optim[settings.optimizer];
    this.memory = Object.fromEntries(this.rule.memory.map((name) => [name, new Float64Array(numParameters)]));
    this.memos = this.layers.map(() => ({}));
    this.numUpdates = 0;
  }

  /** Step 1, the training pass: x (N, I) to logits (N, O). What backward needs is kept in the memos. */
  forward(x) {
    return this.predict(x, this.memos);
  }

  /** Step 2: the loss of the logits, a mean over the rows. */
  loss(logits, y) {
    this.measured = { logits, y };
    return this.criterion.value(logits, y);
  }

  /** Step 3: sets the gradient to zero. Without it, backward would add to the last one. */
  zeroGrad() {
    this.dw.fill(0);
  }

  /** Step 4: adds the gradient of the loss, from the last layer to the first. */
  backward() {
    const { logits, y } = this.measured;
    let da = room((this.measuredMemo ??= {}), "dlogits", logits.shape);
    this.criterion.gradient(logits, y, da);
    for (let k = this.layers.length - 1; k >= 0; k--) da = this.layers[k].backward(da, this.memos[k], k > 0);
  }

  /** Step 5: moves the weights by one step of the update rule, against the gradient. */
  update() {
    this.numUpdates += 1;
    this.rule.update(this.w, this.dw, this.memory, { ...this.settings, step: this.numUpdates });
  }

  /** The outputs for any rows, with memos of their own, so that nothing is lost that a step still needs. */
  predict(x, memos) {
    let a = x;
    this.layers.forEach((layer, k) => (a = layer.forward(a, memos[k])));
    return a;
  }
}

/** One step of training. After each line one may stop and look: the five buttons of the page do. */
function* fiveSteps(engine, x, y) {
  const logits = yield engine.forward(x); // 1  predict
  yield engine.loss(logits, y); // 2  measure
  yield engine.zeroGrad(); // 3  forget the last gradient
  yield engine.backward(); // 4  find the new one
  yield engine.update(); // 5  step downhill
}

/** Linear layers with an activation between them. */
function layersOf({ inFeatures, hidden, numOutputs, activation }) {
  const layers = [];
  let width = inFeatures;
  for (const units of hidden) {
    layers.push(new Linear(width, units), new Activation(activation));
    width = units;
  }
  return [...layers, new Linear(width, numOutputs)];
}

/** A loss of one row, from losses/, as the mean over the rows: the gradient of each is divided by their number. */
function meanOverRows(item) {
  return {
    value(logits, y) {
      let sum = 0;
      for (let n = 0; n < y.data.length; n++) sum += item.row(outputsOf(logits, n), y.data[n]);
      return sum / y.data.length;
    },
    gradient(logits, y, out) {
      const [N, O] = logits.shape;
      for (let n = 0; n < N; n++) {
        const d = item.gradient(outputsOf(logits, n), y.data[n]);
        if (O === 1) out.data[n] = d / N;
        else for (let o = 0; o < O; o++) out.data[n * O + o] = d[o] / N;
      }
    },
  };
}

/** What a network puts out for row n: a number, or with several outputs all of them, (O,). */
function outputsOf({ shape: [, O], data }, n) {
  return O === 1 ? data[n] : data.subarray(n * O, (n + 1) * O);
}
