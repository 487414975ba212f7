// The table of runs: which are looked at, how far each is, and the buttons of those that can be told.

import { button, h } from "../../web/dom.js";
import { num, set } from "../../web/numbers.js";
import { Refusal } from "./feed.js";

/** @typedef {import("./feed.js").Feed} Feed */
/** @typedef {import("./feed.js").Summary} Summary */

/** Runs that are looked at beside each other; each has a letter and a colour. */
export const LETTERS = ["A", "B", "C", "D", "E", "F"];

const WORDS = { training: "trains", unfinished: "stopped", vanished: "gone" };

export class RunsTable {
  /** @param {Feed} feed @param {() => void} choose is told when other runs are looked at */
  constructor(feed, choose) {
    this.feed = feed;
    this.choose = choose;
    /** @type {Record<string, RunRow>} */
    this.rows = {};
    this.body = h("tbody");
    this.empty = h("p", { class: "why" }, "No run is here yet.");
    const head = ["run", "state", "done", "left", "validation", ""].map((name) => h("th", {}, name));
    this.table = h("table", { class: "runs" }, h("thead", {}, h("tr", {}, ...head)), this.body);
    this.element = h("div", { class: "scroll" }, this.empty, this.table);
  }

  show() {
    const { runs, chosen } = this.feed;
    this.empty.hidden = runs.length > 0;
    this.table.hidden = runs.length === 0;
    for (const run of runs) {
      if (!this.rows[run.id]) {
        this.rows[run.id] = new RunRow(run, this.feed, () => this.#toggle(run.id));
        this.body.append(...this.rows[run.id].elements);
      }
      this.rows[run.id].show(run, chosen.indexOf(run.id), chosen.length === LETTERS.length);
    }
  }

  /** @param {string} id */
  #toggle(id) {
    const { chosen } = this.feed;
    this.feed.chosen = chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id];
    this.choose();
  }
}

class RunRow {
  /** @param {Summary} run @param {Feed} feed @param {() => void} toggle */
  constructor(run, feed, toggle) {
    this.feed = feed;
    this.id = run.id;
    const id = `look-${run.id}`;
    this.box = h("input", { type: "checkbox", id, onchange: toggle });
    this.key = h("span");
    this.state = h("td");
    this.bar = h("progress", { max: 1, "aria-label": `${run.name}: done` });
    this.left = h("td");
    this.accuracy = h("data", {});
    this.pause = button("Pause", () => this.#ask(this.pause.value === "run" ? "run" : "pause"));
    this.stop = button("Stop", () => this.#ask("stop"));
    this.message = h("p", { class: "message", role: "status" });
    this.note = h("p", { class: "why" });
    const name = h("label", { for: id }, run.name);
    this.elements = [
      h(
        "tr",
        {},
        h("th", { scope: "row" }, h("span", { class: "name" }, this.box, this.key, name)),
        this.state,
        h("td", {}, this.bar),
        this.left,
        h("td", {}, this.accuracy),
        h("td", {}, h("div", { class: "buttons" }, this.pause, this.stop)),
      ),
      h("tr", { class: "said" }, h("td", { colspan: 6 }, this.message, this.note)),
    ];
    this.pause.setAttribute("aria-label", `Pause ${run.name}`);
    this.stop.setAttribute("aria-label", `Stop ${run.name}`);
    this.asked = "";
  }

  /** @param {Summary} run @param {number} place among those looked at @param {boolean} full */
  show(run, place, full) {
    this.box.checked = place >= 0;
    this.box.disabled = place < 0 && full;
    this.key.className = place < 0 ? "" : `curve-key run${place + 1}`;
    this.key.textContent = LETTERS[place] ?? "";
    this.state.textContent = WORDS[/** @type {keyof typeof WORDS} */ (run.state)] ?? run.state;
    this.bar.value = run.progress;
    this.left.textContent = run.left === null ? "" : duration(run.left);
    if (run.val_accuracy !== null) percent(this.accuracy, run.val_accuracy, "val_accuracy");
    this.pause.hidden = this.stop.hidden = !run.controls || this.feed.still;
    const paused = run.state === "paused";
    this.pause.value = paused ? "run" : "pause";
    this.pause.textContent = paused ? "Resume" : "Pause";
    this.pause.setAttribute("aria-label", `${paused ? "Resume" : "Pause"} ${run.name}`);
    if (!run.controls || this.asked !== run.state) this.pause.disabled = this.stop.disabled = false;
    this.message.textContent = run.problem;
    const resume = `Stopped with a checkpoint. Resume it with: ${run.resume}`;
    this.note.textContent = run.resume ? resume : run.note;
    this.elements[1].hidden = !this.message.textContent && !this.note.textContent;
  }

  /** @param {"pause" | "run" | "stop"} wish */
  async #ask(wish) {
    this.pause.disabled = this.stop.disabled = true;
    this.asked = this.pause.value === "run" ? "paused" : "training";
    try {
      await this.feed.ask(this.id, wish);
    } catch (error) {
      this.pause.disabled = this.stop.disabled = false;
      this.elements[1].hidden = false;
      this.message.textContent = error instanceof Refusal ? error.message : "The server does not answer.";
    }
  }
}

/** A fraction in percent. @param {HTMLDataElement} element @param {number} value @param {string} of */
export function percent(element, value, of) {
  return set(element, num(value, `${of} = ${value}`), `${(100 * value).toFixed(1)} %`);
}

/** Seconds as a clock has them. @param {number} seconds */
export function duration(seconds) {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = /** @param {number} n */ (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
