// Puts the page together: the runs, their curves, the inside of one.

import { h } from "../../web/dom.js";
import { Curves } from "./curves.js";
import { Feed } from "./feed.js";
import { Inside } from "./inside.js";
import { LETTERS, RunsTable } from "./runs.js";

class App {
  /** @param {any} data that is embedded in the page */
  constructor(data) {
    this.feed = new Feed(data);
    this.known = 0;
    this.table = new RunsTable(this.feed, () => this.#chosen());
    this.curves = new Curves();
    this.inside = new Inside();
    this.elements = [h("section", {}, this.table.element), this.curves.element, this.inside.element];
    this.status = /** @type {HTMLElement} */ (document.getElementById("status"));
    this.feed.listeners.push(() => this.show());
    addEventListener("hashchange", () => this.feed.poll());
    document.addEventListener("visibilitychange", () => document.hidden || this.feed.poll());
  }

  show() {
    const { feed } = this;
    if (!feed.chosen.length && !this.known && feed.runs.length) this.#begin();
    this.known = feed.runs.length;
    const runs = feed.chosen.flatMap((id) => feed.details[id] ?? []);
    this.table.show();
    this.curves.show(runs);
    this.inside.show(runs);
    const going = feed.runs.filter((run) => run.state === "training").length;
    const counted = `${feed.runs.length} ${feed.runs.length === 1 ? "run" : "runs"}, ${going} training`;
    const said = feed.trouble || (feed.still ? "As it was when it was made." : `${counted}.`);
    if (this.status.textContent !== said) this.status.textContent = said;
    this.status.classList.toggle("message", feed.trouble !== "");
  }

  /** At first, look at what is going on, or else at the first runs. */
  #begin() {
    const { runs } = this.feed;
    const going = runs.filter((run) => run.state === "training");
    const first = (going.length ? going : runs).slice(0, this.feed.still ? LETTERS.length : 2);
    this.feed.chosen = first.map((run) => run.id);
    this.feed.poll();
  }

  #chosen() {
    this.show();
    this.feed.poll();
  }
}

const app = new App(JSON.parse(document.getElementById("data")?.textContent ?? "{}"));
document.getElementById("app")?.replaceChildren(...app.elements);
app.show();
app.feed.poll();
