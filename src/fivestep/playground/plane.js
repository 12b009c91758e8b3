"use strict";

/** Points on each side of the plane at which the network is asked, or along the line where there is one input. */
const GRID = 48;
const GRID_OF_A_LINE = 161;

/** The colors of classes, in their order, by which style and legends know them. */
const CLASS_COLORS = ["low", "high", "third"];

/** The colors of the page as they are now, in light or in the dark. */
function colors() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  const palette = Object.fromEntries(
    ["ground", "ink", "soft", "line", "valid", ...CLASS_COLORS].map((name) => [name, read(name)]),
  );
  return { ...palette, classes: CLASS_COLORS.map((name) => palette[name]) };
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
 * How the answer of a unit is painted, or with null that of the network, at every n-th point of the plane in both
 * directions, or of the line: `shades` are its part of its largest answer, from -1 to 1, of the output how certain it
 * is; `colorOf(k)` is the color that point k tends to.
 */
function paintOf(training, answers, unit, palette, every = 1) {
  const isOutput = unit === null || unit.layer === answers.length - 1;
  const { data, width, index } = isOutput ? answers.at(-1)[unit?.index ?? 0] : answers[unit.layer][unit.index];
  const points = pointsOf(training, every);
  const target = targetOf(training.settings.task);
  const { share } = ITEMS.losses[training.settings.loss];
  if (isOutput && target === "classes") {
    const shares = Array.from(points, (point) => share(data.subarray(point * width, (point + 1) * width)));
    if (unit) return { shades: shares.map((p) => p[index]), colorOf: () => palette.classes[index] };
    const likeliest = shares.map((p) => p.indexOf(Math.max(...p)));
    const shades = shares.map((p, k) => (width * p[likeliest[k]] - 1) / (width - 1));
    return { shades, colorOf: (k) => palette.classes[likeliest[k]] };
  }
  const values = Float64Array.from(points, (point) => data[point * width + index]);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
  const isShare = isOutput && target === "yes_no";
  const shades = values.map((value) => (isShare ? Math.max(-1, Math.min(1, 2 * share(value) - 1)) : value / largest));
  return { shades, colorOf: (k) => (shades[k] < 0 ? palette.low : palette.high) };
}

/** The places of every n-th point in the grid. */
function pointsOf(training, every) {
  const isPlane = training.rows.x.shape[1] > 1;
  const side = isPlane ? GRID / every : Math.ceil(GRID_OF_A_LINE / every);
  return Int32Array.from({ length: isPlane ? side * side : side }, (_, k) =>
    isPlane ? (Math.floor(k / side) * GRID + (k % side)) * every : k * every,
  );
}

/** An image of the plane, one pixel for each shade. */
const image = document.createElement("canvas");
function imageOf({ shades, colorOf }, palette, strength) {
  const side = Math.sqrt(shades.length);
  if (image.width !== side) [image.width, image.height] = [side, side];
  const known = Object.fromEntries([palette.ground, ...palette.classes].map((color) => [color, channels(color)]));
  const ground = known[palette.ground];
  const pixels = new ImageData(side, side);
  for (let k = 0; k < shades.length; k++) {
    const [toward, part] = [known[colorOf(k)], strength * (Math.abs(shades[k]) || 0)];
    for (let c = 0; c < 3; c++) pixels.data[4 * k + c] = ground[c] + (toward[c] - ground[c]) * part;
    pixels.data[4 * k + 3] = 255;
  }
  image.getContext("2d").putImageData(pixels, 0, 0);
  return image;
}

/** The plane with the answer of the network or of one unit, and the rows. `unit` is { layer, index }, or null. */
function drawPlane(canvas, training, answers, unit, palette) {
  const { context, width, height } = sized(canvas);
  const { bounds } = gridOf(training);
  const at = ([from, to], value) => (value - from) / (to - from);
  const place = (x, y) => [at(bounds[0], x) * width, (1 - at(bounds[1], y)) * height];
  if (training.rows.x.shape[1] === 1) {
    drawLine(context, training, answers, unit, place, palette);
    return;
  }
  context.imageSmoothingQuality = "high";
  context.drawImage(imageOf(paintOf(training, answers, unit, palette), palette, 0.62), 0, 0, width, height);
  for (const levels of bordersOf(training, answers, unit)) drawContour(context, levels, width, height, palette);
  drawRows(context, training.valid, place, palette, 1.5, 0.42);
  drawRows(context, training.rows, place, palette, 3.2, 1);
  if (training.batch.rows) ringRows(context, training.batch, place, palette);
}

/** What is zero on the lines to draw, at each point of the grid: of several classes, a class's lead over all others. */
function bordersOf(training, answers, unit) {
  const isOutput = unit === null || unit.layer === answers.length - 1;
  const outputs = answers.at(-1);
  const { boundary } = ITEMS.losses[training.settings.loss];
  const numbers = ({ data, width, index }, level) =>
    Float64Array.from({ length: GRID * GRID }, (_, point) => data[point * width + index] - level);
  if (!isOutput) return [numbers(answers[unit.layer][unit.index], 0)];
  if (outputs.length === 1) return [numbers(outputs[0], boundary)];
  const leadOf = ({ data, width, index }) =>
    Float64Array.from({ length: GRID * GRID }, (_, point) => {
      const [own, others] = [data[point * width + index], data.slice(point * width, (point + 1) * width)];
      others[index] = -Infinity;
      return own - Math.max(...others);
    });
  return (unit ? [outputs[unit.index]] : outputs.slice(1)).map(leadOf); // the first class borders on none but those
}

/** The line where the levels are zero, found between neighbors of the grid (marching squares). */
function drawContour(context, levels, width, height, palette) {
  const value = (column, row) => levels[row * GRID + column];
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

/** The rows of a part, each class in a color and a shape of its own: a disc, a square, a triangle. */
function drawRows(context, rows, place, palette, size, opacity) {
  context.globalAlpha = opacity;
  [context.strokeStyle, context.lineWidth] = [palette.ground, 1];
  const traces = [
    (left, top) => {
      context.moveTo(left + 1.1 * size, top);
      context.arc(left, top, 1.1 * size, 0, 2 * Math.PI);
    },
    (left, top) => context.rect(left - size, top - size, 2 * size, 2 * size),
    (left, top) => {
      context.moveTo(left, top - 1.5 * size);
      context.lineTo(left + 1.3 * size, top + 0.8 * size);
      context.lineTo(left - 1.3 * size, top + 0.8 * size);
      context.closePath();
    },
  ];
  traces.forEach((trace, c) => {
    context.beginPath();
    rows.y.data.forEach((y, n) => {
      if (y === c) trace(...place(rows.x.data[2 * n], rows.x.data[2 * n + 1]));
    });
    context.fillStyle = palette.classes[c];
    context.fill();
    if (opacity === 1) context.stroke();
  });
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
