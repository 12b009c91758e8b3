"use strict";

/** The losses of both parts against the steps, and of the run without the mistake where there is one. */
function drawCurves(canvas, history, isLogarithmic, palette) {
  const { context, width, height } = sized(canvas);
  const lines = [
    { name: "train", color: palette.ink, dash: [] },
    { name: "valid", color: palette.valid, dash: [5, 3] },
    { name: "twin", color: palette.soft, dash: [2, 3] },
  ].filter(({ name }) => name in history[0]);
  const values = lines.flatMap(({ name }) => history.map((point) => point[name])).filter(Number.isFinite);
  const scale = scaleOf(values, isLogarithmic);
  const [left, right, top, bottom] = [46, width - 10, 8, height - 22];
  const lastStep = Math.max(10, history.at(-1).step);
  const place = (step, value) => [
    left + ((right - left) * step) / lastStep,
    bottom - (bottom - top) * scale.share(value),
  ];
  context.font = "11px system-ui, sans-serif";
  drawAxes(context, scale, place, { left, right, bottom, lastStep }, palette);
  context.save();
  context.beginPath();
  context.rect(left - 3, top - 4, right - left + 3, bottom - top + 5);
  context.clip();
  for (const { name, color, dash } of lines) {
    [context.strokeStyle, context.lineWidth] = [color, 2];
    context.setLineDash(dash);
    context.beginPath();
    for (const point of history) if (Number.isFinite(point[name])) context.lineTo(...place(point.step, point[name]));
    context.stroke();
    if (history.length > 1 || !Number.isFinite(history[0][name])) continue;
    context.beginPath(); // of a single look there is no line yet
    context.arc(...place(history[0].step, history[0][name]), 2.5, 0, 2 * Math.PI);
    context.fillStyle = color;
    context.fill();
  }
  context.restore();
}

/** From a loss to its height, a share of the picture, with the values at which lines are drawn. */
function scaleOf(values, isLogarithmic) {
  const positive = values.filter((value) => value > 0);
  const largest = positive.length ? Math.max(...positive) : 1;
  if (!isLogarithmic) {
    const step = niceStep(largest / 4);
    const marks = Array.from({ length: Math.floor(largest / step) + 1 }, (_, k) => k * step);
    return { share: (value) => value / (1.06 * largest), marks };
  }
  const least = positive.length ? Math.max(Math.min(...positive), largest * 1e-12) : 0.1;
  const [from, to] = [
    Math.floor(Math.log10(least)),
    Math.max(Math.ceil(Math.log10(largest)), Math.floor(Math.log10(least)) + 1),
  ];
  const every = Math.ceil((to - from) / 5);
  const marks = [];
  for (let power = from; power <= to; power += every) marks.push(10 ** power);
  return { share: (value) => (Math.log10(Math.max(value, 1e-300)) - from) / (to - from), marks };
}

/** 1, 2 or 5 times a power of ten, about as large. */
function niceStep(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 5].find((each) => each * power >= step) ?? 10);
}

function drawAxes(context, scale, place, { left, right, bottom, lastStep }, palette) {
  [context.strokeStyle, context.fillStyle, context.lineWidth] = [palette.line, palette.soft, 1];
  [context.textAlign, context.textBaseline] = ["right", "middle"];
  for (const mark of scale.marks) {
    const [, height] = place(0, mark);
    context.beginPath();
    context.moveTo(left, height);
    context.lineTo(right, height);
    context.stroke();
    context.fillText(
      mark === 0 || (mark >= 0.01 && mark < 1e4) ? String(Number(mark.toPrecision(3))) : mark.toExponential(0),
      left - 6,
      height,
    );
  }
  context.textBaseline = "top";
  const step = niceStep(lastStep / 4);
  for (let at = 0; at <= lastStep; at += step) {
    context.textAlign = at === 0 ? "left" : at + step > lastStep ? "right" : "center";
    const text = at + step > lastStep ? `step ${at.toLocaleString("en")}` : at.toLocaleString("en");
    context.fillText(text, at === 0 ? left : Math.min(place(at, 0)[0], right), bottom + 6);
  }
}
