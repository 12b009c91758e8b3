"use strict";

/**
 * z = x W^T + b, for every row of x: x is (N, I), W is (O, I), b is (O,), z is (N, O).
 *
 * With dz = dloss/dz given, the chain rule sums over the rows n:
 *
 *     dloss/dW_oi = sum_n dz_no x_ni    so  dW = dz^T x     (O, I)
 *     dloss/db_o  = sum_n dz_no         so  db = 1^T dz     (O,)
 *     dloss/dx_ni = sum_o dz_no W_oi    so  dx = dz W       (N, I)
 *
 * W, b and their gradients are pieces of two flat vectors that the engine holds.
 */
class Linear {
  constructor(fanIn, fanOut) {
    this.fanIn = fanIn;
    this.fanOut = fanOut;
    this.size = fanOut * fanIn + fanOut;
  }

  /** Takes its piece of the flat weights and of the flat gradient, from `start` on. */
  lieIn(weights, gradient, start) {
    const [middle, end] = [start + this.fanOut * this.fanIn, start + this.size];
    [this.W, this.b] = [weights.subarray(start, middle), weights.subarray(middle, end)];
    [this.dW, this.db] = [gradient.subarray(start, middle), gradient.subarray(middle, end)];
  }

  forward(x, memo) {
    const [N, I, O, W, b] = [x.shape[0], this.fanIn, this.fanOut, this.W, this.b];
    const out = room(memo, "z", [N, O]);
    memo.x = x;
    const [a, z] = [x.data, out.data];
    for (let n = 0; n < N; n++) {
      for (let o = 0; o < O; o++) {
        let sum = b[o];
        for (let i = 0; i < I; i++) sum += a[n * I + i] * W[o * I + i];
        z[n * O + o] = sum;
      }
    }
    return out;
  }

  /** Adds to dW and db, and gives dx. What lies below the first weights needs none. */
  backward(dout, memo, needDx) {
    const [N, I, O, W, dW, db] = [dout.shape[0], this.fanIn, this.fanOut, this.W, this.dW, this.db];
    const [x, dz] = [memo.x.data, dout.data];
    for (let n = 0; n < N; n++) {
      for (let o = 0; o < O; o++) {
        const d = dz[n * O + o];
        db[o] += d;
        for (let i = 0; i < I; i++) dW[o * I + i] += d * x[n * I + i];
      }
    }
    if (!needDx) return null;
    const din = room(memo, "dx", [N, I]);
    const dx = din.data.fill(0);
    for (let n = 0; n < N; n++) {
      for (let o = 0; o < O; o++) {
        const d = dz[n * O + o];
        for (let i = 0; i < I; i++) dx[n * I + i] += d * W[o * I + i];
      }
    }
    return din;
  }
}

/** a = f(z), number by number, so dz = da * f'(z). The function and its derivative are an item of activations/. */
class Activation {
  constructor(name) {
    this.name = name;
    this.f = ITEMS.activations[name];
    this.size = 0;
  }

  lieIn() {}

  forward(z, memo) {
    const a = room(memo, "a", z.shape);
    memo.z = z;
    for (let k = 0; k < z.data.length; k++) a.data[k] = this.f.value(z.data[k]);
    return a;
  }

  backward(da, memo) {
    const [slope, dz] = [room(memo, "slope", da.shape), room(memo, "dz", da.shape)];
    const [z, a] = [memo.z.data, memo.a.data];
    for (let k = 0; k < da.data.length; k++) {
      slope.data[k] = this.f.derivative(z[k], a[k]);
      dz.data[k] = da.data[k] * slope.data[k];
    }
    return dz;
  }
}
