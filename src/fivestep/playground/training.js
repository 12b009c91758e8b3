"use strict";

/** One training run: an engine, its batches, the line it stands at, and the losses so far. */
class Training {
  constructor(settings) {
    this.settings = { ...settings };
    this.mistake = ITEMS.mistakes[settings.mistake] ?? null;
    this.loop = this.mistake?.loop ?? fiveSteps;
    this.lines = linesOf(this.loop);
    this.rows = rowsOf(settings.task, "train");
    this.valid = rowsOf(settings.task, "valid");
    this.engine = new Engine(this.networkSettings(this.mistake));
    if (this.mistake?.criterion) this.engine.criterion = this.mistake.criterion(ITEMS.losses[settings.loss]);
    this.twin = this.mistake ? new Engine(this.networkSettings(null)) : null; // the same run without the mistake
    this.memos = {}; // of rows that are only looked at, by what they are for
    this.isChanged = false; // since it began: then no command gives these numbers
    this.walk = null;
    this.at = -1; // the line that was done last, of the step that is being watched
    this.shots = []; // weights, gradient and memory before that step, and after each of its lines
    this.batch = this.nextBatch();
    this.history = [];
    this.look();
  }

  /** What an engine is made with; a mistake may be one of settings. */
  networkSettings(mistake) {
    const numOutputs = numOutputsOf(this.settings.task);
    const settings = { ...this.settings, inFeatures: this.rows.x.shape[1], numOutputs };
    return mistake?.settings ? mistake.settings(settings) : settings;
  }

  /** Changes a live setting from the next step on. */
  change(name, value) {
    this.settings[name] = value;
    this.isChanged ||= this.engine.numUpdates > 0 || this.walk !== null;
    Object.assign(this.engine.settings, this.networkSettings(this.mistake));
    if (this.twin) Object.assign(this.twin.settings, this.networkSettings(null));
  }

  get stepsPerEpoch() {
    return this.settings.batchSize ? Math.ceil(this.rows.y.shape[0] / this.settings.batchSize) : 1;
  }

  get epochs() {
    return Math.floor(this.engine.numUpdates / this.stepsPerEpoch);
  }

  /** The rows of the step that comes next. The full batch is not shuffled. */
  nextBatch() {
    const { batchSize, seed } = this.settings;
    if (!batchSize) return this.rows;
    const place = this.engine.numUpdates % this.stepsPerEpoch;
    if (this.orderedEpoch !== this.epochs) {
      this.orderedEpoch = this.epochs;
      this.order = orderOf(seed, this.epochs, this.rows.y.shape[0]);
    }
    const rows = this.order.slice(place * batchSize, (place + 1) * batchSize);
    return { x: take(this.rows.x, rows), y: take(this.rows.y, rows), rows };
  }

  /** One line of the loop. Gives true where it was the last of its step. */
  line() {
    if (!this.walk) {
      this.batch = this.nextBatch();
      this.walk = this.loop(this.engine, this.batch.x, this.batch.y);
      [this.at, this.made, this.shots] = [-1, undefined, [this.shot()]];
    }
    this.made = this.walk.next(this.made).value;
    this.at += 1;
    this.shots.push(this.shot());
    if (this.lines[this.at].method === "loss") this.lossOfStep = this.made;
    if (this.at + 1 < this.lines.length) return false;
    this.end();
    return true;
  }

  /** The rest of the step that was begun, or a whole one, watched or in one go. */
  step(isWatched = true) {
    if (isWatched || this.walk) {
      while (!this.line());
      return;
    }
    this.batch = this.nextBatch();
    const made = runThrough(this.loop(this.engine, this.batch.x, this.batch.y));
    this.lossOfStep = made[this.lines.findIndex(({ method }) => method === "loss")];
    this.end();
  }

  end() {
    this.walk = null;
    if (this.twin) runThrough(fiveSteps(this.twin, this.batch.x, this.batch.y));
  }

  shot() {
    const memory = Object.entries(this.engine.memory).map(([name, values]) => [name, values.slice()]);
    return { w: this.engine.w.slice(), dw: this.engine.dw.slice(), memory: Object.fromEntries(memory) };
  }

  /** Measures the losses of both parts with the weights of now, and of the run without the mistake. */
  look() {
    const point = { step: this.engine.numUpdates, ...this.measured("train"), ...this.measured("valid") };
    if (this.twin) point.twin = this.lossOf(this.twin, this.outputs("twin", this.valid.x, this.twin), this.valid.y);
    if (this.history.at(-1)?.step === point.step) this.history.pop();
    this.history.push(point);
    if (this.history.length > 2000) this.history = this.history.filter((_, k) => k % 2 === 0 || k === 2000);
    return point;
  }

  measured(part) {
    const rows = part === "train" ? this.rows : this.valid;
    const logits = this.outputs(part, rows.x);
    const measured = { [part]: this.lossOf(this.engine, logits, rows.y) };
    if (targetOf(this.settings.task) !== "numbers") measured[`${part}Accuracy`] = this.accuracy(logits, rows.y);
    return measured;
  }

  /** The loss as it should be, whatever a mistake makes of it: only so two runs can be compared. */
  lossOf(engine, logits, y) {
    return meanOverRows(ITEMS.losses[engine.settings.loss]).value(logits, y);
  }

  accuracy(logits, y) {
    const item = ITEMS.losses[this.settings.loss];
    let right = 0;
    for (let n = 0; n < y.data.length; n++) right += classOf(item, outputsOf(logits, n)) === y.data[n] ? 1 : 0;
    return right / y.data.length;
  }

  /** The outputs for rows that are only looked at; `purpose` keeps their memory apart. */
  outputs(purpose, x, engine = this.engine) {
    const memos = (this.memos[purpose] ??= engine.layers.map(() => ({})));
    return engine.predict(x, memos);
  }

  /** Whether the loss of the last step was no finite number: further steps would only be counted. */
  get isBroken() {
    return this.lossOfStep !== undefined && !Number.isFinite(this.lossOfStep);
  }

  get isFinite() {
    return this.engine.w.every(Number.isFinite) && Number.isFinite(this.history.at(-1).train);
  }
}

/** The class that the outputs of a row stand for: the likeliest; of two, on which side of the boundary they lie. */
function classOf(item, z) {
  return "boundary" in item ? Number(z > item.boundary) : z.indexOf(Math.max(...z));
}

/** Runs a loop's step to its end. Gives what each line made. */
function runThrough(walk) {
  const made = [];
  for (let done = walk.next(); !done.done; done = walk.next(done.value)) made.push(done.value);
  return made;
}

/** The lines of a loop as they are written, each with the method that it calls: the code that is shown is what runs. */
function linesOf(loop) {
  const lines = loop
    .toString()
    .split("\n")
    .filter((line) => line.includes("yield"));
  return lines.map((line) => ({ text: line.trim(), method: line.match(/engine\.(\w+)\(/)[1] }));
}
