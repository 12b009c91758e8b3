"use strict";

/** Points on each side of the plane at which the network is asked, or along the line where there is one input. */
const GRID = 48;
const GRID_OF_A_LINE = 161;

/** The colors of the page as they are now, in light or in the dark. */
function colors() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  const palette = Object.fromEntries(
    ["ground", "ink", "soft", "line", "low", "high", "valid"].map((name) => [name, read(name)]),
  );
  return { ...palette, channels: [palette.low, palette.ground, palette.high].map(channels) };
}

/** Red, green and blue of "#rrggbb". */
function channels(color) {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}

/** Fits a canvas to its place on the page and the screen's pixels; gives its context, in pixels of the page. */
function sized(canvas) {
  const [ratio, { width, height }] = [Math.min(window.devicePixelRatio || 1, 2), canvas.getBoundingClientRect()];
  const [wide, high] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** What lies between the least and the largest of column i over both parts, with a margin. */
function boundsOf(training, of = (rows) => rows.x, i = 0) {
  let [least, largest] = [Infinity, -Infinity];
  for (const rows of [training.rows, training.valid]) {
    const values = of(rows);
    const width = values.shape[1] ?? 1;
    for (let k = i; k < values.data.length; k += width) {
      least = Math.min(least, values.data[k]);
      largest = Math.max(largest, values.data[k]);
    }
  }
  const margin = 0.06 * (largest - least);
  return [least - margin, largest + margin];
}

/** The inputs at which a network is drawn, and the bounds of the picture. They are made once for a training. */
function gridOf(training) {
  if (training.grid) return training.grid;
  const bounds = [
    boundsOf(training),
    training.rows.x.shape[1] > 1 ? boundsOf(training, (rows) => rows.x, 1) : boundsOf(training, (rows) => rows.y),
  ];
  const along = ([from, to], share) => from + (to - from) * share;
  let x;
  if (training.rows.x.shape[1] === 1) {
    x = tensor([GRID_OF_A_LINE, 1]);
    for (let k = 0; k < GRID_OF_A_LINE; k++) x.data[k] = along(bounds[0], k / (GRID_OF_A_LINE - 1));
  } else {
    x = tensor([GRID * GRID, 2]); // from the upper left, as an image
    for (let k = 0; k < GRID * GRID; k++) {
      x.data[2 * k] = along(bounds[0], ((k % GRID) + 0.5) / GRID);
      x.data[2 * k + 1] = along(bounds[1], 1 - (Math.floor(k / GRID) + 0.5) / GRID);
    }
  }
  return (training.grid = { x, bounds });
}

/** What each unit answers at the points of the grid, { data, width, index }: a list of layers, inputs first. */
function answersOf(training) {
  const { x } = gridOf(training);
  const logits = training.outputs("grid", x);
  const units = ({ shape, data }) => Array.from({ length: shape[1] }, (_, index) => ({ data, width: shape[1], index }));
  return [units(x), ...training.memos.grid.filter((memo) => memo.a).map((memo) => units(memo.a)), units(logits)];
}

/**
 * An answer at every n-th point of the plane in both directions, or of the line, between -1 and 1 to be colored: of the
 * output what it says, of a unit its part of its largest answer.
 */
function shadesOf(training, { data, width, index }, isOutput, every = 1) {
  const isPlane = training.rows.x.shape[1] > 1;
  const side = isPlane ? GRID / every : Math.ceil(GRID_OF_A_LINE / every);
  const shades = new Float64Array(isPlane ? side * side : side);
  for (let k = 0; k < shades.length; k++) {
    const point = isPlane ? (Math.floor(k / side) * GRID + (k % side)) * every : k * every;
    shades[k] = data[point * width + index];
  }
  if (isOutput && targetOf(training.settings.task) === "yes_no") {
    const { share } = ITEMS.losses[training.settings.loss];
    return shades.map((value) => Math.max(-1, Math.min(1, 2 * share(value) - 1)));
  }
  const largest = shades.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
  return shades.map((value) => value / largest);
}

/** An image of the plane, one pixel for each shade. */
const image = document.createElement("canvas");
function imageOf(shades, palette, strength) {
  const side = Math.sqrt(shades.length);
  if (image.width !== side) [image.width, image.height] = [side, side];
  const [low, ground, high] = palette.channels;
  const pixels = new ImageData(side, side);
  for (let k = 0; k < shades.length; k++) {
    const toward = shades[k] < 0 ? low : high;
    const part = strength * (Math.abs(shades[k]) || 0);
    for (let c = 0; c < 3; c++) pixels.data[4 * k + c] = ground[c] + (toward[c] - ground[c]) * part;
    pixels.data[4 * k + 3] = 255;
  }
  image.getContext("2d").putImageData(pixels, 0, 0);
  return image;
}

/** The plane with the answer of the output or of one unit, and the rows. `unit` is { layer, index }, or null. */
function drawPlane(canvas, training, answers, unit, palette) {
  const { context, width, height } = sized(canvas);
  const { bounds } = gridOf(training);
  const at = ([from, to], value) => (value - from) / (to - from);
  const place = (x, y) => [at(bounds[0], x) * width, (1 - at(bounds[1], y)) * height];
  const isOutput = unit === null || unit.layer === answers.length - 1;
  const answer = isOutput ? answers.at(-1)[0] : answers[unit.layer][unit.index];
  if (training.rows.x.shape[1] === 1) {
    drawLine(context, training, answer, place, isOutput, palette);
    return;
  }
  context.imageSmoothingQuality = "high";
  context.drawImage(imageOf(shadesOf(training, answer, isOutput), palette, 0.62), 0, 0, width, height);
  const { boundary } = ITEMS.losses[training.settings.loss];
  drawContour(context, answer, isOutput ? boundary : 0, width, height, palette);
  drawRows(context, training.valid, place, palette, 1.5, 0.42);
  drawRows(context, training.rows, place, palette, 3.2, 1);
  if (training.batch.rows) ringRows(context, training.batch, place, palette);
}

/** The line where the answer is `level`, found between neighbours of the grid (marching squares). */
function drawContour(context, { data, width: wide, index }, level, width, height, palette) {
  const value = (column, row) => data[(row * GRID + column) * wide + index] - level;
  context.beginPath();
  for (let row = 0; row < GRID - 1; row++) {
    for (let column = 0; column < GRID - 1; column++) {
      const [a, b, c, d] = [
        value(column, row),
        value(column + 1, row),
        value(column + 1, row + 1),
        value(column, row + 1),
      ];
      const above = (a > 0) + (b > 0) + (c > 0) + (d > 0);
      if (above === 0 || above === 4) continue;
      const crossings = [];
      if (a > 0 !== b > 0) crossings.push([column + a / (a - b), row]);
      if (b > 0 !== c > 0) crossings.push([column + 1, row + b / (b - c)]);
      if (c > 0 !== d > 0) crossings.push([column + 1 - c / (c - d), row + 1]);
      if (d > 0 !== a > 0) crossings.push([column, row + 1 - d / (d - a)]);
      crossings.forEach(([left, top], k) =>
        context[k % 2 ? "lineTo" : "moveTo"](((left + 0.5) / GRID) * width, ((top + 0.5) / GRID) * height),
      );
    }
  }
  [context.strokeStyle, context.lineWidth] = [palette.ink, 1.6];
  context.stroke();
}

/** The rows of a part: a no is a disc, a yes is a square, so that they can be told apart without colors. */
function drawRows(context, rows, place, palette, size, opacity) {
  context.globalAlpha = opacity;
  [context.strokeStyle, context.lineWidth] = [palette.ground, 1];
  for (const isYes of [false, true]) {
    context.beginPath();
    for (let n = 0; n < rows.y.data.length; n++) {
      if (rows.y.data[n] > 0.5 !== isYes) continue;
      const [left, top] = place(rows.x.data[2 * n], rows.x.data[2 * n + 1]);
      if (isYes) context.rect(left - size, top - size, 2 * size, 2 * size);
      else {
        context.moveTo(left + 1.1 * size, top);
        context.arc(left, top, 1.1 * size, 0, 2 * Math.PI);
      }
    }
    context.fillStyle = isYes ? palette.high : palette.low;
    context.fill();
    if (opacity === 1) context.stroke();
  }
  context.globalAlpha = 1;
}

/** Rings around the rows of the batch. */
function ringRows(context, rows, place, palette) {
  [context.strokeStyle, context.lineWidth] = [palette.ink, 1.2];
  for (let n = 0; n < rows.y.data.length; n++) {
    context.beginPath();
    context.arc(...place(rows.x.data[2 * n], rows.x.data[2 * n + 1]), 6, 0, 2 * Math.PI);
    context.stroke();
  }
}

/** One input: the curve through the rows, and from each training row its error. */
function drawLine(context, training, answer, place, isOutput, palette) {
  const { x } = gridOf(training);
  const curve = (of) => {
    context.beginPath();
    for (let k = 0; k < GRID_OF_A_LINE; k++) context.lineTo(...place(x.data[k], of(k)));
    context.stroke();
  };
  if (isOutput) {
    const outputs = training.outputs("errors", training.rows.x).data;
    [context.strokeStyle, context.lineWidth] = [palette.soft, 1];
    context.beginPath();
    training.rows.x.data.forEach((value, n) => {
      context.moveTo(...place(value, training.rows.y.data[n]));
      context.lineTo(...place(value, outputs[n]));
    });
    context.stroke();
  }
  for (const [rows, size, opacity] of [
    [training.valid, 1.5, 0.42],
    [training.rows, 3.6, 1],
  ]) {
    context.globalAlpha = opacity;
    context.fillStyle = palette.low;
    rows.x.data.forEach((value, n) => {
      context.beginPath();
      context.arc(...place(value, rows.y.data[n]), size, 0, 2 * Math.PI);
      context.fill();
    });
    context.globalAlpha = 1;
  }
  [context.strokeStyle, context.lineWidth] = [palette.high, 2.5];
  curve((k) => answer.data[k * answer.width + answer.index]);
}
