"use strict";

/** Numbers with a shape, row after row: element [n, o] of an (N, O) is data[n * O + o]. */
function tensor(shape, data = new Float64Array(shape.reduce((product, size) => product * size, 1))) {
  return { shape, data };
}

/** The tensor that a memo has under that name, or a new one: one for each number of rows, so nothing is made twice. */
function room(memo, name, shape) {
  const there = memo[name];
  if (there && there.shape.every((size, axis) => size === shape[axis])) return there;
  return (memo[name] = tensor(shape));
}

/** Some of the rows, in that order; numbers without a second axis are rows too. */
function take(of, rows) {
  const width = of.data.length / of.shape[0];
  const taken = tensor([rows.length, ...of.shape.slice(1)]);
  rows.forEach((row, n) => taken.data.set(of.data.subarray(row * width, (row + 1) * width), n * width));
  return taken;
}
