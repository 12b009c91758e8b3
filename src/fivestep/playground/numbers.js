"use strict";

/** An element with attributes and children; "on..." attributes are listeners. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** How all numbers of a tensor are written: with four digits of the largest, four decimals at least. */
function writerFor(data) {
  if (data.every(Number.isInteger)) return String;
  let largest = 0;
  for (const value of data) largest = Math.max(largest, Number.isFinite(value) ? Math.abs(value) : 0);
  const decimals = largest === 0 ? 4 : Math.max(4, 3 - Math.floor(Math.log10(largest)));
  if (decimals > 8 || largest >= 1e7) return (value) => (value === 0 ? "0" : value.toExponential(3));
  return (value) => (Number.isFinite(value) ? value.toFixed(decimals) : String(value));
}

/** A number as it is shown in running text. */
function short(value) {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1e5 ? value.toExponential(2) : value.toFixed(4);
}

/** One tensor: its name with formula and shape, and below them its numbers, of a large one the first rows. */
function tensorElement({ name, formula, note, shape, data }, mostRows) {
  const words = (formula ? ` = ${formula}` : "") + (note ? `, ${note}` : "");
  const isOne = data.length === 1;
  const side = isOne ? writerFor(data)(data[0]) : `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const head = make(
    "div",
    { className: "entry" },
    make("span", {}, make("b", {}, name), words),
    make("code", { className: "soft" }, side),
  );
  if (isOne) return head;
  return make(
    "div",
    {},
    head,
    make("pre", { tabIndex: 0, ariaLabel: `numbers of ${name}` }, numbersOf(shape, data, mostRows)),
  );
}

/** The numbers in lines; a vector is one line. */
function numbersOf(shape, data, mostRows) {
  const write = writerFor(data);
  if (data.every((value) => value === data[0])) return `all ${write(data[0])}`;
  const [rows, columns] = shape.length === 2 ? shape : [1, data.length];
  const shown = Math.min(rows, mostRows);
  const wide = shape.length === 2 ? columns : Math.min(columns, (16 * mostRows) / 4);
  const cells = Array.from({ length: shown }, (_, n) =>
    Array.from({ length: wide }, (__, c) => write(data[n * columns + c])),
  );
  const width = Math.max(...cells.flat().map((cell) => cell.length));
  const lines = cells.map((line) => line.map((cell) => cell.padStart(width)).join("  "));
  if (shown < rows) lines.push(`... ${rows - shown} more rows`);
  if (wide < columns) lines.push(`... ${columns - wide} more`);
  return lines.join("\n");
}
