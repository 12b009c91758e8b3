"use strict";

/**
 * Every random number of a run, as torch draws it: a Mersenne Twister, seeded as `torch.manual_seed` does. Matsumoto
 * and Nishimura 1998, "Mersenne twister: a 623-dimensionally equidistributed uniform pseudo-random number generator".
 *
 * Uniform numbers and orders of rows are torch's to the bit. Sixteen normal numbers or more at once torch makes with
 * vector instructions, whose logarithm and cosine round otherwise than the browser's: those agree to seven digits.
 */
class Generator {
  constructor(seed) {
    this.state = new Uint32Array(624);
    this.state[0] = Number(BigInt(seed) & 0xffffffffn);
    for (let j = 1; j < 624; j++) {
      const last = this.state[j - 1] ^ (this.state[j - 1] >>> 30);
      this.state[j] = Math.imul(1812433253, last) + j;
    }
    this.place = 624;
    this.nextNormal = null;
  }

  /** 32 random bits. */
  bits() {
    if (this.place === 624) this.twist();
    let y = this.state[this.place++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  twist() {
    const s = this.state;
    for (let k = 0; k < 624; k++) {
      const y = (s[k] & 0x80000000) | (s[(k + 1) % 624] & 0x7fffffff);
      s[k] = s[(k + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }

  /** A float32 in [0, 1): 24 bits. */
  float() {
    return (this.bits() & 0xffffff) / 2 ** 24;
  }

  /** A float64 in [0, 1): 53 bits of two words. */
  double() {
    const [high, low] = [this.bits(), this.bits()];
    return ((high & 0x1fffff) * 2 ** 32 + low) / 2 ** 53;
  }

  /** Fills `out` with float32 uniform in [low, high), in float32's own arithmetic. */
  uniform(out, low, high) {
    const [from, width] = [Math.fround(low), Math.fround(Math.fround(high) - Math.fround(low))];
    for (let k = 0; k < out.length; k++) out[k] = Math.fround(this.float() * width + from);
  }

  /** Fills `out` with N(0, std^2): Box and Muller 1958, "A note on the generation of random normal deviates". */
  normal(out, std) {
    if (out.length < 16) {
      for (let k = 0; k < out.length; k++) out[k] = Math.fround(this.oneNormal() * std);
      return;
    }
    for (let k = 0; k < out.length; k++) out[k] = this.float();
    for (let k = 0; k + 16 <= out.length; k += 16) sixteenNormals(out.subarray(k, k + 16), std);
    if (out.length % 16) {
      const last = out.subarray(out.length - 16); // torch draws the last sixteen anew
      for (let k = 0; k < 16; k++) last[k] = this.float();
      sixteenNormals(last, std);
    }
  }

  oneNormal() {
    if (this.nextNormal !== null) {
      const kept = this.nextNormal;
      this.nextNormal = null;
      return kept;
    }
    const [u1, u2] = [this.double(), this.double()];
    const radius = Math.sqrt(-2 * Math.log1p(-u2));
    this.nextNormal = radius * Math.sin(2 * Math.PI * u1);
    return radius * Math.cos(2 * Math.PI * u1);
  }
}

/** Makes sixteen uniform numbers normal, the first eight with the last eight. */
function sixteenNormals(out, std) {
  for (let j = 0; j < 8; j++) {
    const [radius, angle] = [Math.sqrt(-2 * Math.log(1 - out[j])), 2 * Math.PI * out[j + 8]];
    out[j] = Math.fround(radius * Math.cos(angle) * std);
    out[j + 8] = Math.fround(radius * Math.sin(angle) * std);
  }
}

/** The order in which an epoch (counted from 0) visits the rows: a permutation of 0 .. numRows - 1. */
function orderOf(seed, epoch, numRows) {
  const generator = new Generator((BigInt(seed) * 1000003n + BigInt(epoch + 1)) % 2n ** 63n);
  const order = Array.from({ length: numRows }, (_, row) => row);
  for (let k = 0; k < numRows - 1; k++) {
    const other = k + (generator.bits() % (numRows - k));
    [order[k], order[other]] = [order[other], order[k]];
  }
  return order;
}

/** Fills the weights and biases of all layers, layer by layer from one stream. */
function drawWeights(layers, { init, std, seed }) {
  const [item, generator] = [ITEMS.inits[init], new Generator(seed)];
  for (const layer of layers.filter((each) => each.size)) {
    item.weight(layer.W, layer.fanIn, layer.fanOut, generator, std);
    item.bias(layer.b, layer.fanIn, generator);
  }
}
