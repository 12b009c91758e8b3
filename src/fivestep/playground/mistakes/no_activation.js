"use strict";

ITEMS.mistakes.no_activation = {
  title: "No activation between the layers",
  says: "Linear layers one after another are one linear layer, W2 (W1 x) = (W2 W1) x: the boundary stays straight.",
  measured: { settings: { task: "moons" }, steps: 300, loss: 0.2851, without: 0.0888 },
  fits: ({ hidden, activation }) => hidden.length > 0 && activation !== "identity",
  settings: (settings) => ({ ...settings, activation: "identity" }),
};
