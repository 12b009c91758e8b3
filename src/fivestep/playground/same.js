"use strict";

/** What gives these numbers at a command line, after the epochs done; "" where it refuses them. */
function commandOf(settings, epochs) {
  const [usual, target] = [defaultsOf(settings.task), targetOf(settings.task)];
  if (target === "yes_no" && ITEMS.losses[settings.loss].fits.includes("numbers")) return "";
  const rule = ITEMS.optim[settings.optimizer];
  const words = ["fivestep train", settings.task];
  const say = (option, value, without) => value !== without && words.push(`--${option} ${value}`);
  const model = ({ hidden }) => (hidden.length ? "mlp" : target === "classes" ? "softmax" : "linear");
  say("model", model(settings), model(usual));
  say("hidden", settings.hidden.join(" "), settings.hidden.length ? usual.hidden.join(" ") : "");
  if (settings.hidden.length) say("activation", settings.activation, usual.hidden.length ? usual.activation : "");
  say("init", initOf(settings), initOf(usual));
  say("loss", settings.loss, usual.loss);
  say("optimizer", settings.optimizer, usual.optimizer);
  say("lr", settings.lr, usual.lr);
  if (rule.hasMomentum) say("momentum", settings.momentum, 0);
  say("weight-decay", settings.weightDecay, rule.weightDecay);
  say("batch-size", settings.batchSize || "full", usual.batchSize || "full");
  say("seed", settings.seed, 0);
  say("epochs", Math.max(1, epochs), undefined);
  return [...words, "--engine scratch --dtype float64"].join(" ");
}

/** An initialization as the program writes it. */
function initOf({ init, std }) {
  return ITEMS.inits[init].hasStd ? `${init}:std=${std}` : init;
}

/** The same in six lines of Python. The rows are those of the page, whatever the seed of the weights. */
function pythonOf(settings, epochs) {
  const [text, rule] = [JSON.stringify, ITEMS.optim[settings.optimizer]];
  const inFeatures = GIVEN.tasks[settings.task].train.x.shape[1];
  const momentum = rule.hasMomentum && settings.momentum ? `, momentum=${settings.momentum}` : "";
  const decay = settings.weightDecay !== rule.weightDecay ? `, weight_decay=${settings.weightDecay}` : "";
  const rows = settings.batchSize || "None";
  const rate = `optimizer=${text(settings.optimizer)}, lr=${settings.lr}${momentum}${decay}`;
  const plan = `loss=${text(settings.loss)}, ${rate}, batch_size=${rows}`;
  const init = `init=${text(initOf(settings))}`;
  const sizes = [inFeatures, ...settings.hidden, numOutputsOf(settings.task)].join(", ");
  const linear = targetOf(settings.task) === "classes" ? "SoftmaxRegression" : "LinearRegression";
  const network = settings.hidden.length
    ? `fs.MLP(${sizes}, activation=${text(settings.activation)}, ${init})`
    : `fs.${linear}(${sizes}, ${init})`;
  return [
    "import fivestep as fs",
    `data = fs.load_dataset(${text(settings.task)}, seed=${GIVEN.seed})`,
    `plan = fs.TrainPlan(${plan}, epochs=${Math.max(1, epochs)}, seed=${settings.seed})`,
    `engine = fs.make_engine("scratch", ${network}, plan, dtype="float64", device="cpu")`,
    "for epoch in fs.train(engine, data, plan):",
    "    print(epoch.index, epoch.train_loss, epoch.valid_loss)",
  ].join("\n");
}

/** What one must know before one compares the numbers, a sentence each. */
function cautionsOf(training) {
  const { settings, mistake } = training;
  const said = [];
  if (!commandOf(settings, 1))
    said.push("The command line takes no loss for numbers where there are classes; Python does.");
  if (training.isChanged)
    said.push(
      "A rate, a momentum or a decay was changed on the way, so these lines give other numbers until Begin anew.",
    );
  if (mistake) said.push("These lines are the run without the mistake, the dotted curve.");
  if (settings.seed !== GIVEN.seed && GIVEN.tasks[settings.task].isDrawn)
    said.push(
      `The rows are those of seed ${GIVEN.seed}, as in Python; the command draws them from seed ${settings.seed} too.`,
    );
  if (["normal", "kaiming"].includes(settings.init))
    said.push(
      "Normal weights agree to seven digits only: torch's vector instructions round logarithm and cosine otherwise.",
    );
  return said;
}
