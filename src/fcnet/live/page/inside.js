// The inside of one run: its layers, its first weights as pictures, its confusions and its mistakes.

import { canvasOf, paint, paintWeights } from "../../web/canvas.js";
import { choice, h, slider } from "../../web/dom.js";
import { format } from "../../web/numbers.js";
import { Plot } from "../../web/plot.js";
import { drawAll } from "./curves.js";
import { percent } from "./runs.js";

/** @typedef {import("./feed.js").Run} Run */
/** @typedef {import("./feed.js").Measured} Measured */
/** @typedef {import("../../web/canvas.js").Shape} Shape */

/** Of each layer: title, axis, numbers of a measurement by layer, and whether the axis is logarithmic.
 * @type {[string, string, (one: Measured) => [string, number][], boolean][]} */
const LAYERS = [
  ["Update of a step, relative to the weights", "ratio", (one) => Object.entries(one.updates), true],
  ["Norm of the gradient", "norm", (one) => Object.entries(one.gradients), true],
  [
    "Share of dead ReLU units",
    "share",
    (one) => one.dead.map((share, n) => [`layer ${n + 1}`, share]),
    false,
  ],
];

const ABOUT =
  "Gradients and dead units are those of a fixed batch, the first 200 training examples, without " +
  "augmentation and dropout. A unit is dead if it is off for all of them. In a training that goes well, " +
  "an update is about a thousandth of the weights; with a hundred-thousandth, a layer hardly learns.";

export class Inside {
  constructor() {
    /** @type {Run[]} */
    this.runs = [];
    this.chosen = "";
    this.chooser = h("div");
    this.plots = LAYERS.map(
      ([title, name, , log]) => new Plot(title, "steps", name, log ? (y) => format(10 ** y, 2) : undefined),
    );
    this.keys = LAYERS.map(() => h("p", { class: "key" }));
    const figures = LAYERS.map(([title], n) =>
      h("figure", {}, h("figcaption", {}, title), this.plots[n].element, this.keys[n]),
    );
    this.layers = h(
      "section",
      {},
      h("h2", {}, "Layers"),
      h("div", { class: "plots" }, ...figures, h("p", { class: "why" }, ABOUT)),
    );
    this.weights = new Weights();
    this.seen = new Seen();
    this.element = h("div", {}, this.chooser, this.layers, this.weights.element, this.seen.element);
  }

  /** @param {Run[]} runs */
  show(runs) {
    if (runs.map((run) => run.id).join() !== this.runs.map((run) => run.id).join()) this.#offer(runs);
    this.runs = runs;
    const run = runs.find(({ id }) => id === this.chosen);
    this.element.hidden = !run;
    if (!run) return;
    this.layers.hidden = run.measured.length === 0;
    LAYERS.forEach(([, , numbers, log], n) => this.#plot(n, run.measured, numbers, log));
    this.weights.show(run);
    this.seen.show(run);
  }

  /** Let one of several runs be chosen. @param {Run[]} runs */
  #offer(runs) {
    if (!runs.some(({ id }) => id === this.chosen)) this.chosen = runs[0]?.id ?? "";
    const choices = /** @type {[string, string][]} */ (runs.map(({ id, name }) => [id, name]));
    const offered = choice("Look into", "inside", choices, (id) => {
      this.chosen = id;
      this.show(this.runs);
    });
    offered.set(this.chosen);
    this.chooser.replaceChildren(offered.element);
    this.chooser.hidden = runs.length < 2;
  }

  /** @param {number} n @param {Measured[]} measured @param {(one: Measured) => [string, number][]} numbers
   * @param {boolean} log */
  #plot(n, measured, numbers, log) {
    const names = [...new Set(measured.flatMap((one) => numbers(one).map(([name]) => name)))];
    const curves = names.map((name, place) => ({
      kind: `run${(place % 6) + 1}${place < 6 ? "" : " dashed"}`,
      letter: String(place + 1),
      points: measured.flatMap((one) =>
        numbers(one)
          .filter(([own, value]) => own === name && (!log || value > 0))
          .map(([, value]) => /** @type {[number, number]} */ ([one.step, log ? Math.log10(value) : value])),
      ),
    }));
    drawAll(this.plots[n], curves, log ? undefined : [0, 1]);
    const key = names.map((name, place) =>
      h("span", { class: `curve-key ${curves[place].kind}` }, `${place + 1}: ${name}`),
    );
    this.keys[n].replaceChildren(...(names.length ? key : ["No layer has ReLU units."]));
  }
}

class Weights {
  constructor() {
    /** @type {Run | null} */
    this.run = null;
    this.latest = true;
    this.pictures = h("div", { class: "units" });
    this.moment = slider({
      label: "After step",
      name: "moment",
      min: 0,
      max: 0,
      step: 1,
      value: 0,
      say: (n) => String(this.run?.frames[n]?.step ?? ""),
      change: (n) => {
        this.latest = n === Number(this.moment.input.max);
        this.#paint();
      },
    });
    this.element = h(
      "section",
      {},
      h("h2", {}, "What the first layer looks for"),
      h("p", { class: "why" }, "The weights of some of its units as pictures; grey is 0."),
      this.moment.element,
      this.pictures,
    );
  }

  /** @param {Run} run */
  show(run) {
    const other = this.run?.id !== run.id;
    this.run = run;
    this.element.hidden = !run.frames.length || !run.shape;
    if (this.element.hidden) return;
    this.moment.element.hidden = run.frames.length < 2;
    this.moment.input.max = String(run.frames.length - 1);
    if (other || this.latest) this.moment.set(run.frames.length - 1);
    this.moment.show();
    this.#paint();
  }

  #paint() {
    const shape = /** @type {Shape} */ (this.run?.shape);
    const frame = this.run?.frames[Number(this.moment.input.value)];
    if (!frame) return;
    const size = shape[0] * shape[1] * shape[2];
    const numbers = new Int8Array(bytes(frame.weights).buffer);
    const count = Math.floor(numbers.length / size);
    while (this.pictures.children.length > count) this.pictures.lastChild?.remove();
    for (let n = 0; n < count; n++) {
      let canvas = /** @type {HTMLCanvasElement | undefined} */ (this.pictures.children[n]);
      if (canvas?.width !== shape[2] || canvas.height !== shape[1]) {
        const fresh = canvasOf(shape, "unit-weights");
        fresh.setAttribute("role", "img");
        fresh.setAttribute("aria-label", `weights of a unit, ${n + 1} of ${count}`);
        if (canvas) canvas.replaceWith(fresh);
        else this.pictures.append(fresh);
        canvas = fresh;
      }
      paintWeights(canvas, Float64Array.from(numbers.subarray(n * size, (n + 1) * size)), shape);
    }
  }
}

class Seen {
  constructor() {
    this.table = h("table", { class: "confusion" });
    this.confusion = h("section", {}, h("h2", {}, "Confusions"), h("div", { class: "scroll" }, this.table));
    this.list = h("ol", { class: "mistakes" });
    this.mistakes = h("section", {}, h("h2", {}, "Most confident mistakes"), this.list);
    this.element = h("div", { class: "columns" }, this.confusion, this.mistakes);
    this.drawn = "";
  }

  /** @param {Run} run */
  show(run) {
    const seen = run.seen;
    this.element.hidden = !seen;
    const now = JSON.stringify([run.id, seen]);
    if (!seen || now === this.drawn) return;
    this.drawn = now;
    this.confusion.hidden = !seen.confusion.length;
    this.table.replaceChildren(...confusionRows(seen.confusion, run.classes));
    this.mistakes.hidden = !seen.mistakes.length;
    this.list.replaceChildren(
      ...seen.mistakes.map(({ index, label, said, probability, pixels }) => {
        const words = `${run.classes[label]}, taken for ${run.classes[said]}`;
        const numbers = bytes(pixels);
        const shape = run.shape?.reduce((size, one) => size * one, 1) === numbers.length ? run.shape : null;
        const canvas = shape && canvasOf(shape, "mistake");
        if (canvas) paint(canvas, numbers, shape);
        const sure = percent(h("data", {}), probability, `probability of validation picture ${index}`);
        return h("li", {}, canvas, h("span", {}, words, " ", sure));
      }),
    );
  }
}

/** @param {number[][]} counts @param {string[]} classes */
function confusionRows(counts, classes) {
  const caption = h("caption", {}, "Validation examples: a row for each class, a column for each answer");
  const head = h("tr", {}, h("td"), ...classes.map((name) => h("th", { scope: "col" }, h("span", {}, name))));
  const rows = counts.map((row, n) => {
    const total = Math.max(1, row.reduce((sum, one) => sum + one, 0));
    const cells = row.map((count, k) => {
      const shade = Math.min(5, Math.ceil((5 * count) / total));
      return h("td", { class: `shade${shade}${k === n ? " right" : ""}` }, String(count));
    });
    return h("tr", {}, h("th", { scope: "row" }, classes[n]), ...cells);
  });
  return [caption, head, ...rows];
}

/** @param {string} text in base64 */
function bytes(text) {
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}
