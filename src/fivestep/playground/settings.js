"use strict";

/** What can be chosen, with how it is read from a link. The names are those of the link. */
const READERS = {
  task: String,
  hidden: (text) => text.split(",").filter(Boolean).map(Number),
  activation: String,
  init: String,
  std: Number,
  loss: String,
  optimizer: String,
  lr: Number,
  momentum: Number,
  weightDecay: Number,
  batchSize: Number,
  seed: Number,
  mistake: String,
};

/** These take effect at the next step; any other change begins anew. */
const LIVE = ["lr", "momentum", "weightDecay"];

/** The families that settings choose from, by setting. */
const FAMILY_OF = { activation: "activations", init: "inits", loss: "losses", optimizer: "optim", mistake: "mistakes" };

/** The settings of a task's default model. */
function defaultsOf(task) {
  return { ...GIVEN.tasks[task].settings, task, mistake: "" };
}

/** The settings that a link asks for; what it leaves out, or asks for in vain, is the task's own. */
function fromHash(hash) {
  const given = Object.fromEntries(new URLSearchParams(hash.replace(/^#/, "")));
  if (!Object.keys(given).length) return { ...defaultsOf(GIVEN.start.task), ...GIVEN.start };
  const settings = defaultsOf(Object.hasOwn(GIVEN.tasks, given.task) ? given.task : GIVEN.start.task);
  for (const [name, read] of Object.entries(READERS)) {
    if (name === "task" || !(name in given)) continue;
    const value = read(given[name]);
    if (isPossible(name, value)) settings[name] = value;
  }
  return fitting(settings);
}

/** What a link asks for in vain, in a sentence; empty if it gets all. */
function refusalOf(hash) {
  const taken = fromHash(hash);
  const isTaken = (name, text) => name in taken && String(READERS[name](text)) === String(taken[name]);
  const asked = [...new URLSearchParams(hash.replace(/^#/, ""))].filter(([name, text]) => !isTaken(name, text));
  const words = asked.map(([name, text]) => `${name}=${text}`).join(", ");
  return words && `The link asks for ${words}, which cannot be had here: the task's usual setting stands instead.`;
}

/** The link's part after the #: the task, and what differs from its own settings. */
function toHash(settings) {
  const usual = defaultsOf(settings.task);
  const told = Object.keys(READERS).filter((name) => name === "task" || String(settings[name]) !== String(usual[name]));
  return told.map((name) => `${name}=${encodeURIComponent(settings[name]).replaceAll("%2C", ",")}`).join("&");
}

/** What a setting may be, in words, for those that are typed. */
function rangeOf(name) {
  const ranges = {
    hidden: `a whole number from 1 to ${GIVEN.most.units}`,
    seed: "a whole number of at least 0",
    momentum: "a number of at least 0, below 1",
    weightDecay: "a number of at least 0, below 1000",
  };
  return ranges[name] ?? "a number above 0, of at most 1000000";
}

/** Whether a setting can have that value at all. */
function isPossible(name, value) {
  if (name === "mistake" && value === "") return true;
  if (FAMILY_OF[name]) return Object.hasOwn(ITEMS[FAMILY_OF[name]], value);
  const isCount = (number, least, most) => Number.isInteger(number) && number >= least && number <= most;
  if (name === "hidden")
    return value.length <= GIVEN.most.layers && value.every((units) => isCount(units, 1, GIVEN.most.units));
  if (name === "batchSize") return isCount(value, 0, 1e6);
  if (name === "seed") return isCount(value, 0, Number.MAX_SAFE_INTEGER);
  if (name === "momentum") return value >= 0 && value < 1;
  if (name === "weightDecay") return value >= 0 && value < 1e3;
  return value > 0 && value <= 1e6;
}

/** The same settings with a loss and a mistake that fit the task, and a batch that is no larger than its rows. */
function fitting(settings) {
  const fits = { ...settings };
  if (!ITEMS.losses[fits.loss].fits.includes(targetOf(fits.task))) fits.loss = GIVEN.tasks[fits.task].settings.loss;
  if (fits.batchSize >= GIVEN.tasks[fits.task].train.y.shape[0]) fits.batchSize = 0;
  if (fits.mistake && !ITEMS.mistakes[fits.mistake].fits(fits)) fits.mistake = "";
  return fits;
}

/** What the targets of a task are: "numbers", "yes_no" (of two classes), or "classes". */
function targetOf(task) {
  return ["numbers", "numbers", "yes_no"][GIVEN.tasks[task].classes.length] ?? "classes";
}

/** One output, or one for each of several classes. */
function numOutputsOf(task) {
  return targetOf(task) === "classes" ? GIVEN.tasks[task].classes.length : 1;
}

/** The rows of a part of a task, x (N, I) and y (N,), in float64. They are decoded once. */
const decoded = {};
function rowsOf(task, part) {
  return (decoded[`${task} ${part}`] ??= Object.fromEntries(
    Object.entries(GIVEN.tasks[task][part]).map(([name, { shape, base64 }]) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const view = new DataView(bytes.buffer);
      return [
        name,
        tensor(
          shape,
          Float64Array.from({ length: bytes.length / 4 }, (_, k) => view.getFloat32(4 * k, true)),
        ),
      ];
    }),
  ));
}
