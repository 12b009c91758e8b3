"use strict";

/** The page: one training, what is drawn of it, and what the buttons do. */
class Playground {
  constructor() {
    const by = (id) => document.getElementById(id);
    this.at = Object.fromEntries([...document.querySelectorAll("[id]")].map(({ id }) => [id, by(id)]));
    this.controls = new Controls(this.at.settings, (name, value) => this.change(name, value));
    this.network = new NetworkPicture(
      this.at.network,
      (text) => this.hint(text),
      (unit) => this.showUnit(unit),
    );
    this.unit = null; // whose answer the plane shows; null is the output
    this.isRunning = false;
    this.palette = colors();
    this.listen();
    this.follow(location.hash);
  }

  listen() {
    const { run, epoch, step, line, again, share, logarithmic } = this.at;
    run.addEventListener("click", () => (this.isRunning ? this.advance(() => {}) : this.run(true)));
    epoch.addEventListener("click", () => this.oneEpoch());
    step.addEventListener("click", () => this.advance(() => this.training.step()));
    line.addEventListener("click", () => this.advance(() => this.training.line()));
    again.addEventListener("click", () => this.begin(this.training.settings));
    share.addEventListener("click", () => this.share());
    logarithmic.addEventListener("change", () => this.draw());
    this.at["all-rows"].addEventListener("change", () => this.showTensors());
    this.at.lines.addEventListener("keydown", (event) => this.moveBetweenLines(event));
    window.addEventListener("hashchange", () => this.follow(location.hash));
    window.addEventListener("resize", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw((this.palette = colors())));
  }

  /** Begins as a link asks, and says what of it cannot be had. */
  follow(hash) {
    this.begin(fromHash(hash));
    this.at.told.textContent = refusalOf(hash);
  }

  /** A new training with these settings, from its first weights. */
  begin(settings) {
    this.run(false);
    this.unit = null;
    this.at.told.textContent = "";
    this.training = new Training(fitting(settings));
    this.selected = -1;
    this.network.begin(this.training);
    this.hint("");
    this.showSettings();
    this.draw();
    this.showText();
  }

  showSettings() {
    const { settings } = this.training;
    this.controls.show(settings);
    showMistakes(this.at.mistakes, this.at.mistake, settings, (name, value) => this.change(name, value));
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
    [this.isRunning, this.frames, this.pace] = [isOn, 0, 1];
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
      const { training } = this;
      for (let k = 1; k < count && performance.now() < until && !training.isBroken; k++) training.step(false);
      training.step();
      this.frames += 1;
      if (this.frames % this.pace === 0 && !this.look()) return;
    }
    this.frame = requestAnimationFrame((later) => this.tick(later));
  }

  /** The step that was begun, and all that follow in its epoch. */
  oneEpoch() {
    const { training } = this;
    const goal = training.epochs + 1;
    this.advance(() => {
      const last = goal * training.stepsPerEpoch - 1;
      while (training.epochs < goal && !training.isBroken) training.step(training.engine.numUpdates === last);
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
    const began = performance.now();
    this.training.look();
    this.draw();
    this.pace = Math.min(8, Math.ceil((performance.now() - began) / 10)); // of a large network not every frame is drawn
    if (this.training.isFinite) return true;
    this.run(false);
    const { numUpdates } = this.training.engine;
    this.at.told.textContent = `After step ${numUpdates} the loss is no finite number. Begin anew, more slowly.`;
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
    this.showKnown();
    if (!this.isRunning) return;
    this.selected = training.at;
    if (training.engine.numUpdates % 20 === 0 || this.at.lines.childElementCount === 0) this.showTensors();
  }

  /** The numbers of what is pointed at, or how the picture is to be read. */
  hint(text) {
    const { hint } = this.at;
    hint.classList.toggle("numbers", text !== "");
    if (text) hint.textContent = text;
    else
      hint.replaceChildren(
        "A unit shows its answers over the plane, a line is a weight, as thick as it is large: ",
        ...key("high", "above zero"),
        ...key("low", "below"),
        " Point at one for its numbers.",
      );
  }

  showUnit(unit) {
    this.unit = unit;
    if (!this.isRunning) this.draw();
    this.showPlaneWords();
  }

  showCounts() {
    const last = this.training.history.at(-1);
    const rows = [
      ["step", String(this.training.engine.numUpdates)],
      ["epoch", String(this.training.epochs)],
      ["loss, train", short(last.train)],
      ["loss, valid", short(last.valid)],
    ];
    if ("validAccuracy" in last) rows.push(["accuracy, valid", `${(100 * last.validAccuracy).toFixed(1)} %`]);
    if (this.at.counts.childElementCount !== rows.length)
      this.at.counts.replaceChildren(...rows.map(() => make("div", {}, make("dt"), make("dd"))));
    rows.forEach(([name, value], k) => {
      const [dt, dd] = this.at.counts.children[k].children;
      if (dt.textContent !== name) dt.textContent = name;
      if (dd.textContent !== value) dd.textContent = value;
    });
  }

  /** Of a straight line, its weights beside those that are known. */
  showKnown() {
    const [head, ...rows] = knownRows(this.training);
    const line = (kind, cells) => make("tr", {}, ...cells.map((cell) => make(kind, {}, cell)));
    this.at.known.hidden = !head;
    this.at.known.replaceChildren(...(head ? [line("th", head), ...rows.map((cells) => line("td", cells))] : []));
  }

  /** All that is text: the tensors, the words below the pictures, the command. */
  showText() {
    const { training, at } = this;
    this.showTensors();
    this.showPlaneWords();
    const twin = training.twin ? key("line twin", "valid, without the mistake") : [];
    at["curves-words"].replaceChildren(...key("line", "train"), ...key("line valid", "valid"), ...twin);
    at.command.textContent = commandOf(training.settings, training.epochs);
    at.command.hidden = !at.command.textContent;
    at.python.textContent = pythonOf(training.settings, training.epochs);
    at.cautions.textContent = cautionsOf(training).join(" ");
  }

  /** The words around the plane. They keep their height: what moves below a pointer would leave it, and come back. */
  showPlaneWords() {
    const { task } = this.training.settings;
    const who = this.unit ? this.network.nameOf(this.unit.layer, this.unit.index) : "the network";
    this.at["plane-title"].textContent = `What ${who} answers`;
    const { classes, known } = GIVEN.tasks[task];
    const more = {
      numbers: `Thin lines are the errors${known.true ? ", the dashed one is what the points were drawn around" : ""}.`,
      yes_no: "The line is where it is undecided.",
      classes: "On the lines two classes are equally likely; the paler, the less certain it is.",
    }[targetOf(task)];
    const keys = classes.flatMap((name, c) => key(CLASS_COLORS[c], name));
    this.at["plane-words"].replaceChildren(
      ...(keys.length ? [make("span", {}, ...keys)] : []),
      `Large points train, small ones validate. ${more}`,
    );
  }

  /** The lines of the loop, the one that is looked at, and its tensors. */
  showTensors() {
    const { training, at } = this;
    const isNew =
      at.lines.childElementCount !== training.lines.length ||
      training.lines.some(({ text }, k) => at.lines.children[k].textContent !== text);
    if (isNew)
      at.lines.replaceChildren(
        ...training.lines.map(({ text }, k) =>
          make("button", { type: "button", role: "tab", onclick: () => this.select(k) }, text),
        ),
      );
    [...at.lines.children].forEach((button, k) => {
      button.disabled = k > training.at;
      button.classList.toggle("next", !this.isRunning && k === (training.walk ? training.at + 1 : 0));
      button.setAttribute("aria-selected", String(k === this.selected));
      button.tabIndex = k === Math.max(0, this.selected) ? 0 : -1;
    });
    const isStarted = this.selected >= 0 && training.shots.length > this.selected + 1;
    at.said.textContent = isStarted
      ? SAID[training.lines[this.selected].method]
      : "This is the code that runs: yield is where one may stop and look.";
    const most = at["all-rows"].checked ? Infinity : 4;
    const made = isStarted ? tensorsOf(training, this.selected).map((each) => tensorElement(each, most)) : [];
    if (isStarted && training.lines[this.selected].method === "update")
      made.unshift(make("pre", { className: "wide" }, training.engine.rule.formula.join("\n")));
    at.tensors.replaceChildren(
      ...(made.length ? made : [make("p", { className: "soft" }, "Nothing was done yet: press Next line.")]),
    );
  }

  select(k) {
    this.selected = k;
    this.showTensors();
  }

  /** The arrow keys, as in any list of tabs. */
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

/** A sign of a legend with its word. */
function key(kind, text) {
  return [make("i", {}, make("span", { className: `key ${kind}` }), ` ${text}`)];
}

const playground = new Playground();
