"use strict";

/** One input: the curve through the rows, from each training row its error, and dashed the line that is known. */
function drawLine(context, training, answers, unit, place, palette) {
  const { x, bounds } = gridOf(training);
  const isOutput = unit === null || unit.layer === answers.length - 1;
  const { data, width, index } = isOutput ? answers.at(-1)[0] : answers[unit.layer][unit.index];
  if (isOutput) drawErrors(context, training, place, palette);
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
  const known = GIVEN.tasks[training.settings.task].known.true;
  if (isOutput && known) {
    const [slope, intercept] = known;
    [context.strokeStyle, context.lineWidth] = [palette.ink, 1.4];
    context.setLineDash([5, 4]);
    context.beginPath();
    bounds[0].forEach((value) => context.lineTo(...place(value, slope * value + intercept)));
    context.stroke();
    context.setLineDash([]);
  }
  [context.strokeStyle, context.lineWidth] = [palette.high, 2.5];
  context.beginPath();
  x.data.forEach((value, k) => context.lineTo(...place(value, data[k * width + index])));
  context.stroke();
}

/** From each training row to the curve. */
function drawErrors(context, training, place, palette) {
  const outputs = training.outputs("errors", training.rows.x).data;
  [context.strokeStyle, context.lineWidth] = [palette.soft, 1];
  context.beginPath();
  training.rows.x.data.forEach((value, n) => {
    context.moveTo(...place(value, training.rows.y.data[n]));
    context.lineTo(...place(value, outputs[n]));
  });
  context.stroke();
}

/** The weights of a straight line beside those that are known, a row each; nothing where there are none. */
function knownRows(training) {
  const known = Object.entries(GIVEN.tasks[training.settings.task].known);
  const { layers, w } = training.engine;
  if (!known.length || layers.length > 1) return [];
  const learned = Array.from(w);
  return [["", "W0", "b0"], ...[["learned", learned], ...known].map(([name, values]) => [name, ...values.map(short)])];
}
