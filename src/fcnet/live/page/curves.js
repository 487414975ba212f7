// The curves of the runs that are looked at, in the same plots, and their last numbers side by side.

import { choice, h } from "../../web/dom.js";
import { format, num, shown } from "../../web/numbers.js";
import { Plot } from "../../web/plot.js";
import { LETTERS, duration, percent } from "./runs.js";

/** @typedef {import("./feed.js").Run} Run */
/** @typedef {import("./feed.js").Row} Row */
/** @typedef {import("../../web/plot.js").Curve} Curve */
/** @typedef {"epoch" | "step" | "seconds"} Along */

/** Quantities of a row in each plot: the first is a full line, the second a dashed one. */
const PLOTS = /** @type {[string, string, (keyof Row)[]][]} */ ([
  ["Loss: validation, and training dashed", "loss (nats)", ["val_loss", "loss"]],
  ["Accuracy: validation, and training sample dashed", "accuracy", ["val_accuracy", "train_accuracy"]],
  ["Learning rate", "learning rate", ["learning_rate"]],
]);

/** What the table says of the last evaluation. @type {[string, keyof Row][]} */
const LAST = [
  ["epoch", "epoch"],
  ["loss, training", "loss"],
  ["loss, validation", "val_loss"],
  ["accuracy, training sample", "train_accuracy"],
  ["accuracy, validation", "val_accuracy"],
  ["learning rate", "learning_rate"],
  ["time", "seconds"],
];

export class Curves {
  constructor() {
    /** @type {Along} */
    this.along = "epoch";
    /** @type {Run[]} */
    this.runs = [];
    this.axis = choice(
      "Along",
      "along",
      /** @type {[Along, string][]} */ ([["epoch", "epochs"], ["step", "steps"], ["seconds", "seconds"]]),
      (along) => {
        this.along = along;
        this.show(this.runs);
      },
    );
    this.axis.set(this.along);
    this.plots = PLOTS.map(([title, name]) => new Plot(title, "", name));
    this.table = h("table", { class: "last" });
    const figures = PLOTS.map(([title], n) =>
      h("figure", {}, h("figcaption", {}, title), this.plots[n].element),
    );
    this.element = h(
      "section",
      {},
      this.axis.element,
      h("div", { class: "plots" }, ...figures, h("div", { class: "scroll" }, this.table)),
    );
  }

  /** @param {Run[]} runs */
  show(runs) {
    this.runs = runs;
    this.element.hidden = !runs.some((run) => run.rows.length);
    PLOTS.forEach(([, , quantities], n) => {
      const curves = runs.flatMap((run, place) => this.#curves(run, place, quantities));
      this.plots[n].names[0] = { epoch: "epochs", step: "steps", seconds: "seconds" }[this.along];
      drawAll(this.plots[n], curves);
    });
    this.table.replaceChildren(...lastRows(runs));
  }

  /** @param {Run} run @param {number} place @param {(keyof Row)[]} quantities @returns {Curve[]} */
  #curves(run, place, quantities) {
    return quantities.map((quantity, n) => ({
      points: run.rows.map((row) => [row[this.along], row[quantity]]),
      kind: `run${place + 1}${n ? " dashed" : ""}`,
      letter: n ? "" : LETTERS[place],
    }));
  }
}

/**
 * Draw curves in a frame that they fill, or in one that is given.
 * @param {Plot} plot @param {Curve[]} curves @param {[number, number]} [y]
 */
export function drawAll(plot, curves, y) {
  const all = curves.flatMap(({ points }) => points).filter(([, y]) => Number.isFinite(y));
  if (!all.length) return plot.drawing.replaceChildren();
  const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
  plot.draw({ x: frame(xs, 0), y: y ?? frame(ys, 0.06) }, curves, curves);
}

/** @param {number[]} values @param {number} margin as a part of their range @returns {[number, number]} */
function frame(values, margin) {
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  const room = margin * (high - low) || (high === low ? Math.abs(high) / 2 || 1 : 0);
  return [low - room, high + room];
}

/** @param {Run[]} runs */
function lastRows(runs) {
  const shownRuns = runs.filter((run) => run.rows.length);
  const head = h("tr", {}, h("td"), ...shownRuns.map((run) => h("th", { scope: "col" }, run.name)));
  const rows = LAST.map(([name, quantity]) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, name),
      ...shownRuns.map((run) => h("td", {}, cell(run.rows[run.rows.length - 1], quantity))),
    ),
  );
  return [h("caption", {}, "At the last evaluation"), head, ...rows];
}

/** @param {Row} row @param {keyof Row} quantity */
function cell(row, quantity) {
  const value = row[quantity];
  if (quantity.endsWith("accuracy")) return percent(h("data", {}), value, quantity);
  const element = shown(num(value, `${quantity} = ${value}`), 4);
  if (quantity === "seconds") element.textContent = duration(value);
  if (quantity === "epoch") element.textContent = format(value, 4);
  return element;
}
