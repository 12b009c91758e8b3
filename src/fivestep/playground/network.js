"use strict";

/** Widths of lines on each side of zero. */
const LEVELS = 12;

/** The picture of the network: weights as lines on a canvas, units as buttons that show what they answer. */
class NetworkPicture {
  /** `tell(text)` says what the pointer is over; `show(unit)` puts a unit on the large plane, null the output. */
  constructor(place, tell, show) {
    [this.place, this.tell, this.show] = [place, tell, show];
    this.canvas = make("canvas", { ariaHidden: "true" });
    this.place.append(this.canvas);
    this.place.addEventListener("pointermove", (event) => this.tellNearest(event));
    this.place.addEventListener("pointerleave", () => this.tell(""));
  }

  /** Makes the units of a training anew. */
  begin(training) {
    this.training = training;
    const widths = [training.rows.x.shape[1], ...training.settings.hidden, numOutputsOf(training.settings.task)];
    this.place.querySelectorAll("button").forEach((button) => button.remove());
    this.place.style.height = `${Math.max(250, Math.min(430, Math.max(...widths) * 42))}px`;
    this.laidOut = "";
    this.units = widths.map((width, layer) => Array.from({ length: width }, (_, index) => this.unit(layer, index)));
  }

  unit(layer, index) {
    const button = make(
      "button",
      { type: "button", className: "unit", ariaLabel: this.nameOf(layer, index) },
      make("canvas"),
    );
    const [look, leave] = [() => this.look(layer, index), () => this.leave()];
    for (const name of ["pointerenter", "focus"]) button.addEventListener(name, look);
    for (const name of ["pointerleave", "blur"]) button.addEventListener(name, leave);
    this.place.append(button);
    return button;
  }

  nameOf(layer, index) {
    if (layer === 0) return `x${index}`;
    const { hidden, task } = this.training.settings;
    if (layer === hidden.length + 1)
      return numOutputsOf(task) === 1 ? "output" : `output ${index} (${GIVEN.tasks[task].classes[index]})`;
    return `unit ${index} of layer ${2 * layer - 1}`;
  }

  look(layer, index) {
    const { engine } = this.training;
    this.show(layer === 0 ? null : { layer, index });
    if (layer === 0) return this.tell(`x${index}: number ${index} of each row`);
    const { W, b, fanIn } = engine.layers[2 * layer - 2];
    const weights = Array.from(W.subarray(index * fanIn, (index + 1) * fanIn), short);
    const shown = weights.length > 8 ? [...weights.slice(0, 8), "..."] : weights;
    const k = 2 * layer - 2;
    return this.tell(
      `${this.nameOf(layer, index)}: W${k}[${index}] = (${shown.join(", ")}), b${k}[${index}] = ${short(b[index])}`,
    );
  }

  leave() {
    this.show(null);
    this.tell("");
  }

  /** Draws the units, and the weights between them. */
  draw(answers, palette) {
    const { context, width, height } = sized(this.canvas);
    if (this.laidOut !== `${width} ${height}`) this.layOut(width, height);
    this.drawWeights(context, palette);
    this.units.forEach((units, layer) =>
      units.forEach((button, index) => this.drawUnit(button.firstChild, answers, layer, index, palette)),
    );
  }

  /** Puts the units in their places. */
  layOut(width, height) {
    this.laidOut = `${width} ${height}`;
    const room = height - 8;
    this.centers = this.units.map((units, layer) => {
      const size = Math.max(7, Math.min(40, (room / units.length) * 0.8));
      const left = 24 + ((width - 48) * layer) / (this.units.length - 1);
      const gap = Math.min(64, room / units.length);
      return units.map((button, index) => {
        const top = height / 2 + (index - (units.length - 1) / 2) * gap;
        button.style.cssText = `left:${left - size / 2}px;top:${top - size / 2}px;width:${size}px;height:${size}px`;
        button.classList.toggle("small", size < 16);
        return [left, top];
      });
    });
  }

  /** All weights of one sign and about one size are one path: a thousand of them are drawn in a moment. */
  drawWeights(context, palette) {
    this.training.engine.layers
      .filter((layer) => layer.size)
      .forEach(({ W, fanIn, fanOut }, layer) => {
        const largest = W.reduce((most, weight) => Math.max(most, Math.abs(weight)), 1e-12);
        const paths = new Map();
        for (let place = 0; place < fanIn * fanOut; place++) {
          const level = Math.round((LEVELS * W[place]) / largest) || 0;
          if (!paths.has(level)) paths.set(level, new Path2D());
          const [from, to] = [this.centers[layer][place % fanIn], this.centers[layer + 1][Math.floor(place / fanIn)]];
          paths.get(level).moveTo(from[0], from[1]);
          paths.get(level).lineTo(to[0], to[1]);
        }
        for (const [level, path] of [...paths].sort(([one], [other]) => Math.abs(one) - Math.abs(other))) {
          const part = Math.abs(level) / LEVELS;
          context.strokeStyle = level === 0 ? palette.line : level < 0 ? palette.low : palette.high;
          context.lineWidth = 0.5 + 4 * part * (fanIn * fanOut > 200 ? 0.5 : 1);
          context.globalAlpha = 0.3 + 0.7 * part;
          context.stroke(path);
        }
      });
    context.globalAlpha = 1;
  }

  drawUnit(canvas, answers, layer, index, palette) {
    const { context, width, height } = sized(canvas);
    const every = this.training.rows.x.shape[1] === 1 ? 4 : width > 20 ? 2 : 4;
    const paint = paintOf(this.training, answers, { layer, index }, palette, every);
    if (this.training.rows.x.shape[1] > 1) {
      context.imageSmoothingQuality = "high";
      context.drawImage(imageOf(paint, palette, 1), 0, 0, width, height);
      return;
    }
    [context.fillStyle, context.strokeStyle, context.lineWidth] = [palette.ground, palette.high, 1.5];
    context.fillRect(0, 0, width, height);
    context.beginPath();
    const { shades } = paint;
    shades.forEach((shade, k) => context.lineTo((k / (shades.length - 1)) * width, (0.5 - 0.42 * shade) * height));
    context.stroke();
  }

  /** Says which weight the pointer is over, if it is close to a line. */
  tellNearest(event) {
    if (event.target !== this.canvas && event.target !== this.place) return;
    const box = this.canvas.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    let [nearest, words] = [6, ""];
    this.training.engine.layers.forEach(({ size, W, dW, fanIn, fanOut }, k) => {
      if (!size) return;
      for (let place = 0; place < fanIn * fanOut; place++) {
        const [o, i] = [Math.floor(place / fanIn), place % fanIn];
        const distance = distanceTo(left, top, this.centers[k / 2][i], this.centers[k / 2 + 1][o]);
        if (distance >= nearest) continue;
        nearest = distance;
        const ends = `from ${this.nameOf(k / 2, i)} to ${this.nameOf(k / 2 + 1, o)}`;
        words = `W${k}[${o},${i}] = ${short(W[place])}, dW${k}[${o},${i}] = ${short(dW[place])}: ${ends}`;
      }
    });
    this.tell(words);
  }
}

/** How far a point is from a piece of a straight line. */
function distanceTo(left, top, [fromLeft, fromTop], [toLeft, toTop]) {
  const [wide, high] = [toLeft - fromLeft, toTop - fromTop];
  const part = Math.max(
    0,
    Math.min(1, ((left - fromLeft) * wide + (top - fromTop) * high) / (wide * wide + high * high)),
  );
  return Math.hypot(left - fromLeft - part * wide, top - fromTop - part * high);
}
