// Puts the page together: the views, the points, the keys.

import { BrokenPanel } from "./broken.js";
import { inflate } from "./decode.js";
import { button, choice, h } from "../../web/dom.js";
import { Drawing } from "./drawing.js";
import { mistakes } from "./mistakes.js";
import { PassPanel } from "./pass.js";
import { PicturesPanel } from "./pictures.js";
import { PredictPanel } from "./predict.js";
import { Store } from "./store.js";
import { TrainPanel } from "./trainer.js";
import { update } from "./training.js";
import { WeightPanel } from "./weight.js";

/** @typedef {import("./store.js").Mode} Mode */

/**
 * A view of the page: what is said beside the drawing, and what the drawing shows. One without `view` has a
 * stage of its own instead of the drawing.
 * @typedef {{enter?: () => void, show: () => void, view?: () => import("./drawing.js").View,
 *   element: HTMLElement, stage?: HTMLElement}} Panel
 */

class App {
  /** @param {any} data of the page @param {ArrayBuffer | null} block the numbers of a run */
  constructor(data, block) {
    this.steps = data.steps.length;
    this.store = new Store(data.toy);
    this.trainer = new TrainPanel(this.store, announce);
    this.pass = new PassPanel(this.store, data.steps, data.symbols, () => this.nextPass(), announce);
    /** @type {[Mode, string, Panel][]} */
    this.views = [
      ["pass", "One pass", this.pass],
      ["weight", "One weight", new WeightPanel(this.store)],
      ["train", "Train", this.trainer],
      ["mistakes", "Break it", new BrokenPanel(this.store, mistakes(data.mistakes), data.toy, data.symbols)],
      ["predict", "Predict", new PredictPanel(this.store)],
    ];
    if (block) this.views.push(["pictures", "Pictures", new PicturesPanel(data.run, block, announce)]);
    this.drawing = new Drawing(this.store, data.symbols);
    this.points = choice(
      "Point",
      "point",
      Array.from({ length: this.store.X.rows }, (_, i) => [String(i), `${i + 1}`]),
      (i) => this.point(Number(i)),
    );
    this.tabs = this.views.map(([mode, title, { element }]) => {
      element.id = `panel-${mode}`;
      element.setAttribute("role", "tabpanel");
      return h(
        "button",
        {
          type: "button",
          role: "tab",
          id: `tab-${mode}`,
          "aria-controls": element.id,
          onclick: () => this.go(mode),
        },
        title,
      );
    });
    this.mistaken = h("span");
    this.banner = h(
      "p",
      { class: "banner", hidden: true },
      this.mistaken,
      button("Repair it", () => this.store.change({ mistake: null })),
    );
    this.stage = h(
      "div",
      { class: "stage" },
      this.points.element,
      this.drawing.element,
      key(this.drawing.caption),
    );
    this.elements = [
      h("div", { class: "tabs", role: "tablist", "aria-label": "Views" }, ...this.tabs),
      this.banner,
      h(
        "div",
        { class: "columns" },
        this.stage,
        ...this.views.map(([, , { stage }]) => stage ?? null),
        h("div", { class: "panels" }, ...this.views.map(([, , { element }]) => element)),
      ),
    ];
    this.store.listeners.push(() => this.show());
    document.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {Mode} mode */
  go(mode) {
    if (mode === this.store.mode) return;
    if (this.trainer.running) this.trainer.pause();
    this.store.change({ mode, revealed: true });
    this.views.find(([one]) => one === mode)?.[2].enter?.();
  }

  /** @param {number} i */
  point(i) {
    this.store.change({ chosen: { ...this.store.chosen, i } });
  }

  /** The last step is taken: its weights are those of the next pass. */
  nextPass() {
    const { training, values, settings, mistake } = this.store;
    const [velocity, params] = update(values, training.velocity, training.rate(settings), settings.momentum);
    training.velocity = velocity;
    training.params = mistake?.guard ? mistake.guard(params) : params;
    training.iteration += 1;
    training.history.push(values.J_tilde.at(0, 0));
    this.store.change({ step: 0 });
  }

  show() {
    const { store } = this;
    this.views.forEach(([mode, , panel], n) => {
      const chosen = mode === store.mode;
      panel.element.hidden = !chosen;
      if (panel.stage) panel.stage.hidden = !chosen;
      this.tabs[n].setAttribute("aria-selected", String(chosen));
      this.tabs[n].tabIndex = chosen ? 0 : -1;
      if (!chosen) return;
      panel.show();
      this.stage.hidden = !panel.view;
      if (panel.view) this.drawing.show(panel.view());
    });
    this.points.set(String(store.chosen.i));
    this.banner.hidden = store.mistake === null || ["mistakes", "pictures"].includes(store.mode);
    this.mistaken.textContent = `With the mistake “${store.mistake?.title}”: wrong numbers are crossed.`;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const at = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || !(at instanceof HTMLElement)) return;
    if (at.getAttribute("role") === "tab" && event.key.startsWith("Arrow")) return this.#walk(event);
    if (at.matches("input:not([type=radio], [type=checkbox]), .cell, .frame")) return;
    const { mode, step, X } = this.store;
    const typing = at.matches("input");
    if (mode !== "pictures" && Number(event.key) >= 1 && Number(event.key) <= X.rows)
      return this.point(Number(event.key) - 1);
    if (mode === "pass" && event.key in STEPS && !typing) {
      this.pass.go(STEPS[event.key](step, this.steps - 1));
      event.preventDefault();
    }
    if (mode === "train" && event.key === "n" && !this.trainer.running) this.trainer.step();
    if (mode === "train" && event.key === " " && !at.matches("button, summary, input")) {
      this.trainer.toggle.click();
      event.preventDefault();
    }
  }

  /** Arrow keys walk through the tabs. @param {KeyboardEvent} event */
  #walk(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const n = (this.tabs.findIndex((tab) => tab === event.target) + by + this.tabs.length) % this.tabs.length;
    this.tabs[n].focus();
    this.tabs[n].click();
    event.preventDefault();
  }
}

/** Keys that go through the steps. @type {Record<string, (step: number, last: number) => number>} */
const STEPS = {
  ArrowRight: (step) => step + 1,
  ArrowLeft: (step) => step - 1,
  Home: () => 0,
  End: (_, last) => last,
};

/** What lines and colours mean. @param {HTMLElement} lines */
function key(lines) {
  return h(
    "p",
    { class: "key" },
    lines,
    h("span", { class: "edge-key positive" }, "positive"),
    h("span", { class: "edge-key negative" }, "negative"),
    h("span", { class: "chip reads" }, "read"),
    h("span", { class: "chip writes" }, "written"),
  );
}

/** @param {string} text said by screen readers */
function announce(text) {
  /** @type {HTMLElement} */ (document.getElementById("live")).textContent = text;
}

async function start() {
  const data = JSON.parse(document.getElementById("data")?.textContent ?? "");
  const app = new App(data, data.run && (await inflate(data.run.numbers)));
  document.getElementById("app")?.replaceChildren(...app.elements);
  app.show();
}

start();
