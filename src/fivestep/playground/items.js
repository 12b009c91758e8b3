"use strict";

/**
 * What the page offers, by family and name. Each file in activations/, losses/, optim/, inits/ and mistakes/ adds one:
 * the folder is the registry, as in the Python package, and an item has the name, the formula and the numbers that it
 * has there.
 */
const ITEMS = { activations: {}, losses: {}, optim: {}, inits: {}, mistakes: {} };
