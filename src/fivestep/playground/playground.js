"use strict";

/** The page: one training, what is drawn of it, and what the buttons do. */
class Playground {
  constructor() {
    const by = (id) => document.getElementById(id);
    this.at = Object.fromEntries([...document.querySelectorAll("[id]")].map(({ id }) => [id, by(id)]));
    this.controls = new Controls(this.at.settings, (name, value) => this.change(name, value));
    this.network = new NetworkPicture(this.at.network, (text) => (this.at.hint.textContent = text), (unit) => this.showUnit(unit));
    this.unit = null; // whose answer the plane shows; null is the output
    this.isRunning = false;
    this.palette = colors();
    this.listen();
    this.begin(fromHash(location.hash));
  }

  listen() {
    const { run, epoch, step, line, again, share, logarithmic } = this.at;
    run.addEventListener("click", () => this.run(!this.isRunning));
    epoch.addEventListener("click", () => this.oneEpoch());
    step.addEventListener("click", () => this.advance(() => this.training.step()));
    line.addEventListener("click", () => this.advance(() => this.training.line()));
    again.addEventListener("click", () => this.begin(this.training.settings));
    share.addEventListener("click", () => this.share());
    logarithmic.addEventListener("change", () => this.draw());
    this.at["all-rows"].addEventListener("change", () => this.showTensors());
    this.at.lines.addEventListener("keydown", (event) => this.moveBetweenLines(event));
    window.addEventListener("hashchange", () => this.begin(fromHash(location.hash)));
    window.addEventListener("resize", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw((this.palette = colors())));
  }

  /** A new training with these settings, from its first weights. */
  begin(settings) {
    this.run(false);
    this.unit = null;
    this.at.told.textContent = "";
    this.training = new Training(fitting(settings));
    this.selected = -1;
    this.network.begin(this.training);
    this.showSettings();
    this.draw();
    this.showText();
  }

  showSettings() {
    const { settings } = this.training;
    this.controls.show(settings);
    showMistakes(this.at.mistakes, settings, (name, value) => this.change(name, value));
    history.replaceState(null, "", `#${toHash(settings)}`);
  }

  /** A choice was made: some take effect at the next step, the others begin anew. */
  change(name, value) {
    const { settings } = this.training;
    if (LIVE.includes(name)) {
      this.training.change(name, value);
      this.showSettings();
      this.showText();
      return;
    }
    const wasRunning = this.isRunning;
    const chosen = name === "task" ? { ...defaultsOf(value), seed: settings.seed } : { ...settings, [name]: value };
    if (name === "optimizer") chosen.weightDecay = ITEMS.optim[value].weightDecay;
    this.begin(chosen);
    this.run(wasRunning);
  }

  run(isOn) {
    this.isRunning = isOn;
    this.at.run.textContent = isOn ? "Pause" : "Run";
    if (!isOn) cancelAnimationFrame(this.frame);
    else this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  /** One frame: some steps, then a look. Where less motion is wished for, four looks a second. */
  tick(now) {
    const speed = Number(this.at.speed.value);
    const wait = matchMedia("(prefers-reduced-motion: reduce)").matches ? 250 : speed === 0.1 ? 160 : 0;
    if (now - (this.lastTick ?? -Infinity) >= wait) {
      this.lastTick = now;
      const count = speed === 0.1 ? 1 : speed || Infinity;
      const until = performance.now() + 9; // milliseconds; a frame has sixteen
      for (let k = 1; k < count && performance.now() < until; k++) this.training.step(false);
      this.training.step();
      if (!this.look()) return;
    }
    this.frame = requestAnimationFrame((later) => this.tick(later));
  }

  /** The step that was begun, and all that follow in its epoch. */
  oneEpoch() {
    const { training } = this;
    const goal = training.epochs + 1;
    this.advance(() => {
      while (training.epochs < goal) training.step(training.engine.numUpdates === goal * training.stepsPerEpoch - 1);
    });
  }

  /** Stops, does something, and shows what came of it. */
  advance(action) {
    this.run(false);
    action();
    this.selected = this.training.at;
    this.look();
    this.showText();
  }

  /** Measures and draws. Gives false, with the reason told, where the numbers have come to their end. */
  look() {
    this.training.look();
    this.draw();
    if (this.training.isFinite) return true;
    this.run(false);
    this.at.told.textContent = `After step ${this.training.engine.numUpdates} the loss is no finite number any more. Begin anew, with a smaller rate.`;
    this.showText();
    return false;
  }

  draw() {
    const { training, at, palette } = this;
    const answers = answersOf(training);
    this.network.draw(answers, palette);
    drawPlane(at.plane, training, answers, this.unit, palette);
    drawCurves(at.curves, training.history, at.logarithmic.checked, palette);
    this.showCounts();
    if (!this.isRunning) return;
    this.selected = training.at;
    if (training.engine.numUpdates % 20 === 0 || this.at.lines.childElementCount === 0) this.showTensors();
  }

  showUnit(unit) {
    this.unit = unit;
    if (!this.isRunning) this.draw();
    this.showPlaneWords();
  }

  showCounts() {
    const last = this.training.history.at(-1);
    const rows = [["step", String(this.training.engine.numUpdates)], ["epoch", String(this.training.epochs)], ["loss, train", short(last.train)], ["loss, valid", short(last.valid)]];
    if ("validAccuracy" in last) rows.push(["right, valid", `${(100 * last.validAccuracy).toFixed(1)} %`]);
    if (this.at.counts.childElementCount !== rows.length)
      this.at.counts.replaceChildren(...rows.map(() => make("div", {}, make("dt"), make("dd"))));
    rows.forEach(([name, value], k) => {
      const [dt, dd] = this.at.counts.children[k].children;
      if (dt.textContent !== name) dt.textContent = name;
      if (dd.textContent !== value) dd.textContent = value;
    });
  }

  /** All that is text: the tensors, the words below the pictures, the command. */
  showText() {
    const { training, at } = this;
    this.showTensors();
    this.showPlaneWords();
    const key = (kind, text) => [make("span", { className: `key line ${kind}` }), ` ${text}  `];
    const twin = training.twin ? key("twin", "valid, without the mistake") : [];
    at["curves-words"].replaceChildren(...key("train", "train"), ...key("valid", "valid"), ...twin);
    at.command.textContent = commandOf(training.settings, training.epochs);
    at.command.hidden = !at.command.textContent;
    at.python.textContent = pythonOf(training.settings, training.epochs);
    at.cautions.textContent = cautionsOf(training).join(" ");
  }

  showPlaneWords() {
    const { task } = this.training.settings;
    const [no, yes] = GIVEN.tasks[task].classes;
    const what = this.unit ? `Here: ${this.network.nameOf(this.unit.layer, this.unit.index)}. ` : "";
    const words = this.at["plane-words"];
    if (!yes) words.replaceChildren(`${what}Large points train, small ones validate; thin lines are the errors.`);
    else {
      const key = (kind, name) => [make("span", { className: `key ${kind}` }), ` ${name}  `];
      words.replaceChildren(what, ...key("low", no), ...key("high", yes), " Large points train, small ones validate; the line is where it is undecided.");
    }
  }

  /** The lines of the loop, the one that is looked at, and its tensors. */
  showTensors() {
    const { training, at } = this;
    const isNew = at.lines.childElementCount !== training.lines.length || training.lines.some(({ text }, k) => at.lines.children[k].textContent !== text);
    if (isNew)
      at.lines.replaceChildren(...training.lines.map(({ text }, k) => make("button", { type: "button", role: "tab", onclick: () => this.select(k) }, text)));
    [...at.lines.children].forEach((button, k) => {
      button.disabled = k > training.at;
      button.setAttribute("aria-selected", String(k === this.selected));
      button.tabIndex = k === Math.max(0, this.selected) ? 0 : -1;
    });
    const isStarted = this.selected >= 0 && training.shots.length > this.selected + 1;
    at.said.textContent = isStarted ? SAID[training.lines[this.selected].method] : "This is the code that runs: yield is where one may stop and look.";
    const most = at["all-rows"].checked ? Infinity : 4;
    const made = isStarted ? tensorsOf(training, this.selected).map((each) => tensorElement(each, most)) : [];
    if (isStarted && training.lines[this.selected].method === "update")
      made.unshift(make("pre", {}, training.engine.rule.formula.join("\n")));
    at.tensors.replaceChildren(...(made.length ? made : [make("p", { className: "soft" }, "Nothing was done yet: press Next of the five.")]));
  }

  select(k) {
    this.selected = k;
    this.showTensors();
  }

  moveBetweenLines(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = this.selected + by;
    if (!by || next < 0 || next > this.training.at) return;
    event.preventDefault();
    this.select(next);
    this.at.lines.children[next].focus();
  }

  async share() {
    try {
      await navigator.clipboard.writeText(location.href);
      this.at.shared.textContent = "Copied.";
    } catch {
      this.at.shared.textContent = location.href; // where a page may not write there
    }
  }
}

const playground = new Playground();
