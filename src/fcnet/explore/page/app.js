// Puts the page together: the modes, the points, the keys.

import { Drawing } from "./drawing.js";
import { button, choice, h } from "./dom.js";
import { BrokenPanel } from "./broken.js";
import { mistakes } from "./mistakes.js";
import { PassPanel } from "./pass.js";
import { PredictPanel } from "./predict.js";
import { Store } from "./store.js";
import { TrainPanel } from "./trainer.js";
import { update } from "./training.js";
import { WeightPanel } from "./weight.js";

/** @typedef {import("./store.js").Mode} Mode */
/** @typedef {{enter?: () => void, show: () => void, view: () => import("./drawing.js").View, element: HTMLElement}} Panel */

const data = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("data")).textContent ?? "");
const store = new Store(data.toy);
const live = /** @type {HTMLElement} */ (document.getElementById("live"));

/** @param {string} text said by screen readers */
function announce(text) {
  live.textContent = text;
}

/** The last step is taken: its weights are those of the next pass. */
function nextPass() {
  const { training, values, settings } = store;
  [training.velocity, training.params] = update(values, training.velocity, training.rate(settings), settings.momentum);
  if (store.mistake?.guard) training.params = store.mistake.guard(training.params);
  training.iteration += 1;
  training.history.push(values.J_tilde.at(0, 0));
  store.change({ step: 0 });
}

const trainer = new TrainPanel(store, announce);
const pass = new PassPanel(store, data.steps, data.symbols, nextPass);
/** @type {Record<string, Panel>} */
const panels = {
  pass,
  weight: new WeightPanel(store),
  train: trainer,
  mistakes: new BrokenPanel(store, mistakes(data.mistakes), data.toy, data.symbols),
  predict: new PredictPanel(store, announce),
};
/** @type {[Mode, string][]} */
const modes = [["pass", "One pass"], ["weight", "One weight"], ["train", "Train"], ["mistakes", "Break it"], ["predict", "Predict"]];

const drawing = new Drawing(store, data.symbols);
const tabs = modes.map(([mode, title]) =>
  h("button", { type: "button", role: "tab", id: `tab-${mode}`, "aria-controls": `panel-${mode}`, onclick: () => go(mode) }, title));
const points = choice("Point", "point", Array.from({ length: store.X.rows }, (_, i) => [String(i), `${i + 1}`]),
  (i) => store.change({ chosen: { ...store.chosen, i: Number(i) } }));
const banner = h("p", { class: "banner", hidden: true }, h("span"), button("Repair it", () => repair()));

/** @param {Mode} mode */
function go(mode) {
  if (mode === store.mode) return;
  if (trainer.running) trainer.pause();
  store.change({ mode, revealed: true });
  panels[mode].enter?.();
}

function repair() {
  const none = document.querySelector('input[name="mistake"][value=""]');
  if (none instanceof HTMLInputElement) none.checked = true;
  store.change({ mistake: null });
}

function show() {
  const panel = panels[store.mode];
  for (const [mode, { element }] of Object.entries(panels)) element.hidden = mode !== store.mode;
  tabs.forEach((tab, n) => {
    const chosen = modes[n][0] === store.mode;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
  });
  points.set(String(store.chosen.i));
  banner.hidden = store.mistake === null || store.mode === "mistakes";
  /** @type {HTMLElement} */ (banner.firstElementChild).textContent = `With the mistake “${store.mistake?.title}”: wrong numbers are crossed.`;
  panel.show();
  drawing.show(panel.view());
}

/** @param {KeyboardEvent} event */
function keys(event) {
  const at = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey || !(at instanceof HTMLElement)) return;
  if (at.getAttribute("role") === "tab") return walkTabs(event);
  if (at.matches("input, select, textarea, .cell")) return;
  const point = Number(event.key);
  if (point >= 1 && point <= store.X.rows) store.change({ chosen: { ...store.chosen, i: point - 1 } });
  else if (store.mode === "pass" && event.key in STEPS) {
    pass.go(STEPS[event.key](store.step));
    event.preventDefault();
  } else if (store.mode === "train" && event.key === "n" && !trainer.running) trainer.step();
  else if (store.mode === "train" && event.key === " " && !at.matches("button, summary")) {
    trainer.toggle.click();
    event.preventDefault();
  }
}

/** @type {Record<string, (step: number) => number>} */
const STEPS = {
  ArrowRight: (step) => step + 1, ArrowLeft: (step) => step - 1, Home: () => 0, End: () => data.steps.length - 1,
};

/** @param {KeyboardEvent} event */
function walkTabs(event) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const n = (tabs.findIndex((tab) => tab === event.target) + by + tabs.length) % tabs.length;
  tabs[n].focus();
  tabs[n].click();
}

for (const [mode, { element }] of Object.entries(panels)) {
  element.id = `panel-${mode}`;
  element.setAttribute("role", "tabpanel");
  element.setAttribute("aria-labelledby", `tab-${mode}`);
}
const stage = h("div", { class: "stage" }, points.element, drawing.element,
  h("p", { class: "key" }, h("span", { class: "edge-key positive" }, "positive weight"), h("span", { class: "edge-key negative" }, "negative weight"),
    h("span", { class: "chip reads" }, "read"), h("span", { class: "chip writes" }, "written")));
/** @type {HTMLElement} */ (document.getElementById("app")).replaceChildren(
  h("div", { class: "tabs", role: "tablist", "aria-label": "Views" }, ...tabs), banner,
  h("div", { class: "columns" }, stage, h("div", { class: "panels" }, ...Object.values(panels).map(({ element }) => element))),
);
document.addEventListener("keydown", keys);
store.listeners.push(show);
show();
