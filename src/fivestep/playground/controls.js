"use strict";

/** The form of the settings. `changed(name, value)` hears of each choice that is possible. */
class Controls {
  constructor(form, changed) {
    [this.form, this.changed] = [form, changed];
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  /** Makes the form anew for these settings; the field that had the focus keeps it. */
  show(settings) {
    const focused = this.form.contains(document.activeElement) ? document.activeElement.id : "";
    const losses = Object.keys(ITEMS.losses).filter((name) =>
      ITEMS.losses[name].fits.includes(targetOf(settings.task)),
    );
    const sizes = [0, 1, 4, 10, 32, 100].filter((size) => size < GIVEN.tasks[settings.task].train.y.shape[0]);
    const batches = [...new Set([...sizes, settings.batchSize])].sort((a, b) => a - b);
    this.form.replaceChildren(
      this.choice("task", "Task", Object.keys(GIVEN.tasks), settings),
      make("p", { className: "words" }, GIVEN.tasks[settings.task].description),
      this.layers(settings),
      this.choice("activation", "Activation", Object.keys(ITEMS.activations), settings),
      this.pair(
        this.choice("init", "Initial weights", Object.keys(ITEMS.inits), settings),
        ITEMS.inits[settings.init].hasStd ? this.number("std", "Deviation", settings, { min: 0, step: "any" }) : null,
      ),
      this.choice("loss", "Loss", losses, settings),
      this.choice("optimizer", "Update rule", Object.keys(ITEMS.optim), settings),
      this.pair(
        this.number("lr", "Learning rate", settings, { min: 0, step: "any" }),
        this.number("weightDecay", "Weight decay", settings, { min: 0, step: "any" }),
      ),
      this.pair(
        ITEMS.optim[settings.optimizer].hasMomentum
          ? this.number("momentum", "Momentum", settings, { min: 0, max: 0.999, step: "any" })
          : null,
        this.choice("batchSize", "Batch size", batches, settings, (size) => (size ? String(size) : "full")),
      ),
      this.number("seed", "Seed of weights and batches", settings, { min: 0, step: 1 }),
    );
    if (focused) document.getElementById(focused)?.focus();
  }

  pair(...fields) {
    const there = fields.filter(Boolean);
    return there.length === 1 ? there[0] : make("div", { className: "pair" }, ...there);
  }

  choice(name, label, values, settings, shown = String) {
    const options = values.map((value) => make("option", { value, selected: value === settings[name] }, shown(value)));
    const read = (event) => this.changed(name, READERS[name](event.target.value));
    return make("label", {}, label, make("select", { id: `of-${name}`, onchange: read }, ...options));
  }

  number(name, label, settings, limits) {
    const read = ({ target }) => this.read(target, name, target.value === "" ? NaN : Number(target.value));
    return make(
      "label",
      {},
      label,
      make("input", { id: `of-${name}`, type: "number", value: settings[name], ...limits, onchange: read }),
    );
  }

  /** Takes a value over, or says in the field what is wrong with it. */
  read(field, name, value) {
    const wrong = `This must be ${rangeOf(name)}, got ${field.value || "nothing"}; the last one stays.`;
    field.setCustomValidity(isPossible(name, value) ? "" : wrong);
    if (field.reportValidity()) this.changed(name, value);
  }

  /** A width for each hidden layer, and one layer more or less. */
  layers(settings) {
    const { hidden } = settings;
    const widths = hidden.map((units, k) =>
      make("input", {
        id: `of-hidden-${k}`,
        type: "number",
        min: 1,
        max: GIVEN.most.units,
        value: units,
        ariaLabel: `Units of hidden layer ${k + 1}`,
        onchange: ({ target }) =>
          this.read(
            target,
            "hidden",
            hidden.map((each, j) => (j === k ? Number(target.value) : each)),
          ),
      }),
    );
    const button = (id, text, label, disabled, next) =>
      make(
        "button",
        { id, type: "button", ariaLabel: label, title: label, disabled, onclick: () => this.changed("hidden", next()) },
        text,
      );
    return make(
      "fieldset",
      {},
      make("legend", {}, "Hidden layers, units in each"),
      make(
        "div",
        { className: "units" },
        ...widths,
        button("of-less", "\u2212", "One hidden layer less", hidden.length === 0, () => hidden.slice(0, -1)),
        button("of-more", "+", "One hidden layer more", hidden.length === GIVEN.most.layers, () => [
          ...hidden,
          hidden.at(-1) ?? 8,
        ]),
      ),
    );
  }
}

/** The mistakes as one choice, those that do not fit switched off, and what there is to say of the chosen one. */
function showMistakes(place, words, settings, changed) {
  const focused = place.contains(document.activeElement) ? document.activeElement.value : null;
  const labels = Object.entries({ "": { title: "None", fits: () => true }, ...ITEMS.mistakes }).map(
    ([name, { title, fits }]) => {
      const [checked, disabled] = [settings.mistake === name, !fits(settings)];
      const radio = make("input", {
        type: "radio",
        name: "mistake",
        value: name,
        checked,
        disabled,
        onchange: () => changed("mistake", name),
      });
      return make("label", { title: disabled ? "It does not fit these settings." : "" }, radio, title);
    },
  );
  place.replaceChildren(...labels);
  words.replaceChildren(
    ...wordsOf(settings.mistake).map((text) =>
      make("p", { className: text === wordsOf(settings.mistake)[0] ? "" : "soft small" }, text),
    ),
  );
  if (focused !== null) place.querySelector(`input[value="${focused}"]`)?.focus();
}

/** What one sees with a mistake, what it came to (a test measures it again), and what finds it elsewhere. */
function wordsOf(name) {
  if (!name)
    return ["One at a time. The run begins anew, and the same run without the mistake goes along as the dotted curve."];
  const { says, measured, hasCheck, criterion } = ITEMS.mistakes[name];
  const rate = measured.settings.lr ? ` at a rate of ${measured.settings.lr}` : "";
  const came =
    `On ${measured.settings.task}${rate}, after ${measured.steps} steps: a validation loss of ${measured.loss} ` +
    `instead of ${measured.without}.${criterion ? " All curves show the loss as it should be." : ""}`;
  return [
    says,
    came,
    ...(hasCheck ? [`In a loop of your own, fivestep diagnose script.py finds it: ${name.replaceAll("_", " ")}.`] : []),
  ];
}
