// Train the toy network: settings by sliders, one iteration or many, the loss as it falls.

import { button, choice, h, slider } from "../../web/dom.js";
import { format, num, set } from "../../web/numbers.js";
import { Plot } from "../../web/plot.js";
import { EXERCISE_START, ITERATIONS, QUESTION_3, Training } from "./training.js";

/** @typedef {import("./store.js").Store} Store */

/** Iterations in a second while it trains; with reduced motion they come all at once. */
const SPEED = 60;

/** Iterations after which a training pauses by itself. */
const LONGEST = 1000;

/** A logarithmic slider's positions. @param {number} value */
const exponent = (value) => Math.log10(value);

export class TrainPanel {
  /** @param {Store} store @param {(text: string) => void} announce */
  constructor(store, announce) {
    this.store = store;
    this.announce = announce;
    this.running = false;
    this.until = LONGEST;
    /** @type {number[][]} histories of trainings before this one */
    this.before = [];
    this.question = button("Question 3’s training", () => this.question3(), { class: "main" });
    this.toggle = button("Train", () => (this.running ? this.pause() : this.train()), {
      "aria-keyshortcuts": "Space",
    });
    this.single = button("One step", () => this.step(), { "aria-keyshortcuts": "n" });
    this.again = button("Start again", () => this.reset());
    this.plot = new Plot("The objective over the iterations", "iteration", "objective");
    this.readings = [
      "iteration",
      "objective of the last minibatch",
      "objective on the five points",
      "learning rate now",
      "points classified rightly",
    ].map((name) => ({ name, data: h("data") }));
    this.message = h("p", { class: "message", role: "status" });
    /** @param {Partial<import("./training.js").Settings>} changes */
    const settings = (changes) => store.change({ settings: { ...store.settings, ...changes } });
    this.rate = slider({
      label: "Learning rate",
      name: "learning_rate",
      min: -3,
      max: 1,
      step: 0.05,
      value: 0,
      say: () => format(store.settings.learningRate, 3),
      change: (value) => settings({ learningRate: 10 ** value }),
    });
    this.decay = slider({
      label: "Decay of the rate, each iteration",
      name: "decay",
      min: 0.9,
      max: 1,
      step: 0.005,
      value: 1,
      say: (value) => format(value, 3),
      change: (decay) => settings({ decay }),
    });
    this.momentum = slider({
      label: "Momentum",
      name: "momentum",
      min: 0,
      max: 0.99,
      step: 0.01,
      value: 0,
      say: (value) => format(value, 2),
      change: (momentum) => settings({ momentum }),
    });
    this.reg = slider({
      label: "Lambda",
      name: "reg",
      min: -7,
      max: 0,
      step: 0.05,
      value: 0,
      say: () => format(store.settings.reg, 3),
      change: (value) => settings({ reg: value <= -7 ? 0 : 10 ** value }),
    });
    this.std = slider({
      label: "Standard deviation, or the value of all weights",
      name: "std",
      min: -4,
      max: 1,
      step: 0.05,
      value: -1,
      say: () => format(store.start.std, 3),
      change: (value) => this.reset({ ...store.start, std: 10 ** value }),
    });
    this.seed = slider({
      label: "Seed",
      name: "seed",
      min: 0,
      max: 20,
      step: 1,
      value: 0,
      say: (value) => String(value),
      change: (seed) => this.reset({ ...store.start, seed }),
    });
    this.scheme = choice(
      "Initial weights",
      "scheme",
      [
        ["normal", "normal"],
        ["he", "He: std √(2 / inputs)"],
        ["equal", "all equal"],
      ],
      (scheme) => this.reset({ ...store.start, scheme }),
    );
    this.element = h(
      "section",
      { class: "panel", "aria-label": "Train" },
      h("h2", {}, "Train it"),
      h(
        "p",
        {},
        "Each iteration draws 200 of the five points with replacement, as the exercise does, and takes one " +
          "step of Algorithm 1.",
      ),
      h("div", { class: "buttons" }, this.question, this.toggle, this.single, this.again),
      this.message,
      this.plot.element,
      h(
        "table",
        { class: "ledger" },
        h(
          "tbody",
          {},
          ...this.readings.map(({ name, data }) =>
            h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "value" }, data)),
          ),
        ),
      ),
      h("h3", {}, "Settings"),
      this.rate.element,
      this.decay.element,
      this.momentum.element,
      this.reg.element,
      h("h3", {}, "Where it starts"),
      this.scheme.element,
      this.std.element,
      this.seed.element,
    );
  }

  /** Train as question 3 does, from the exercise's weights. */
  question3() {
    this.store.change({ settings: { ...QUESTION_3 }, mistake: this.store.mistake });
    this.reset(EXERCISE_START);
    this.train(ITERATIONS);
  }

  /** @param {number} until iteration at which it pauses */
  train(until = LONGEST) {
    this.until = this.store.training.iteration >= until ? Infinity : until;
    this.running = true;
    this.#buttons();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      while (this.running) this.step();
      return;
    }
    let last = performance.now();
    let due = 0;
    /** @param {number} now */
    const frame = (now) => {
      if (!this.running) return;
      due += (Math.min(now - last, 100) * SPEED) / 1000;
      last = now;
      while (this.running && due >= 1) {
        due -= 1;
        this.#iterate();
      }
      this.store.change({});
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  pause() {
    this.running = false;
    this.#buttons();
    this.announce(`paused at iteration ${this.store.training.iteration}`);
  }

  step() {
    this.#iterate();
    this.store.change({});
  }

  #iterate() {
    const { training, settings, mistake } = this.store;
    const finite = training.step(settings, mistake?.instead, mistake?.guard);
    this.message.textContent = finite
      ? ""
      : `Iteration ${training.iteration} would make the weights infinite: the training stops here. ` +
        `A smaller learning rate helps.`;
    if (!finite || training.iteration === this.until || training.iteration === LONGEST) {
      this.pause();
    }
  }

  /** From the initial weights again. @param {import("./training.js").Start} start */
  reset(start = this.store.start) {
    this.running = false;
    const { history } = this.store.training;
    if (history.length > 1) this.before = [...this.before, history].slice(-3);
    this.message.textContent = "";
    this.store.change({ start, training: new Training(this.store.X, this.store.y, start), offset: 0 });
    this.#buttons();
  }

  #buttons() {
    this.toggle.textContent = this.running ? "Pause" : "Train";
    this.single.disabled = this.running;
  }

  /** @returns {import("./drawing.js").View} */
  view() {
    const known = new Set(Object.keys(this.store.values));
    return { known, reads: new Set(), writes: "", target: null, wrong: this.store.wrong(known) };
  }

  show() {
    const { settings, start, training, values, y } = this.store;
    this.rate.set(exponent(settings.learningRate));
    this.decay.set(settings.decay);
    this.momentum.set(settings.momentum);
    this.reg.set(settings.reg > 0 ? exponent(settings.reg) : -7);
    this.std.set(exponent(start.std));
    this.seed.set(start.seed);
    this.scheme.set(start.scheme);
    const right = Array.from(
      y.data,
      (label, i) => values.f.row(i).indexOf(Math.max(...values.f.row(i))) === label,
    );
    const numbers = [
      num(training.iteration, "iteration"),
      num(training.history.at(-1) ?? NaN, "loss_history[-1]"),
      num(values.J_tilde.at(0, 0), "J_tilde"),
      num(training.rate(settings), "learning_rate"),
      num(right.filter(Boolean).length, "(predict(X) == y).sum()"),
    ];
    this.readings.forEach(({ data }, n) => {
      set(
        data,
        numbers[n],
        n === 1 && !training.history.length
          ? "none yet"
          : n === 4
            ? `${numbers[n].value} of 5`
            : format(numbers[n].value, n ? 6 : 4),
      );
    });
    this.#draw();
  }

  #draw() {
    const histories = [...this.before, this.store.training.history];
    const longest = Math.max(ITERATIONS, ...histories.map((history) => history.length));
    const first = histories.flatMap((history) => history.slice(0, 3));
    const top = Math.min(Math.max(1.4, ...first) * 1.05, 20);
    const curves = histories.map((history, n) => ({
      points: history.map((loss, at) => /** @type {[number, number]} */ ([at, loss])),
      kind: n === histories.length - 1 ? "objective" : "before",
    }));
    this.plot.draw({ x: [0, longest], y: [0, top] }, curves);
  }
}
