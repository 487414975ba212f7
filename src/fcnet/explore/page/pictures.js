// What a trained network says of a picture, and the hidden units that push it there.

import { canvasOf, paintWeights } from "../../web/canvas.js";
import { button, choice, h } from "../../web/dom.js";
import { Frame } from "./frame.js";
import { Look } from "./look.js";
import { format, num, shown } from "../../web/numbers.js";
import { MEGAPIXELS } from "./reading.js";

/** @typedef {import("./vision.js").Speaker} Speaker */

/** Hidden units that are shown. */
const SPEAKERS = 8;

const SPEAKERS_ARE =
  "Each is drawn as the picture that it looks for, middle grey being 0. Its push is its activation times " +
  "what that does to each class’s score; the bars are the classes in the order above. Switch one off and " +
  "see what the network says without it.";

export class PicturesPanel {
  /**
   * @param {any} run of the page's data
   * @param {ArrayBuffer} block its numbers
   * @param {(text: string) => void} announce
   */
  constructor(run, block, announce) {
    this.look = new Look(run, block);
    this.frame = new Frame(this.look, announce);
    this.stage = this.frame.element;
    const { hidden } = this.look.vision;
    /** The hidden layer whose units are shown, by its place in the list of layers. */
    this.place = hidden[0];
    this.heading = h("h2", { "aria-live": "polite" });
    this.classes = h("div");
    this.layer = choice(
      "Layer",
      "layer",
      hidden.map((place, n) => [String(place), String(n + 1)]),
      (place) => {
        this.place = Number(place);
        this.#showUnits();
      },
    );
    this.layer.element.hidden = hidden.length < 2;
    this.layer.set(String(this.place));
    this.units = h("div", { class: "speakers" });
    this.element = h(
      "section",
      { class: "panel", "aria-label": "Pictures" },
      this.heading,
      this.classes,
      h("h3", {}, "The hidden units that push most"),
      h("p", { class: "why" }, SPEAKERS_ARE),
      this.layer.element,
      this.units,
      h("h3", {}, "What is rounded"),
      h("p", { class: "why" }, rounding(run)),
    );
    this.look.listeners.push(() => this.#show());
  }

  show() {
    this.frame.show();
    this.#show();
  }

  #show() {
    const { now, picture, vision } = this.look;
    const best = now.indexOf(Math.max(...now));
    const { label } = picture;
    const verdict =
      label === null
        ? picture.name
        : label === best
          ? "which is right"
          : `but it is: ${vision.classes[label]}`;
    this.heading.replaceChildren(
      `It says: ${vision.classes[best]}`,
      h("span", { class: "equation-number" }, verdict),
    );
    this.#showClasses();
    this.#showUnits();
  }

  #showClasses() {
    const { before, changed, now, vision } = this.look;
    const rows = now.map((p, k) =>
      h(
        "tr",
        {},
        h("th", { scope: "row" }, vision.classes[k]),
        h("td", { class: "share" }, meter(p)),
        h("td", { class: "value" }, shown(num(p, `probabilities[${k}]`), 4)),
        changed && h("td", { class: "value was" }, "was ", shown(num(before[k], `before[${k}]`), 3)),
      ),
    );
    this.classes.replaceChildren(
      h(
        "table",
        { class: "ledger classes" },
        h("caption", {}, "Probability of each class"),
        h("tbody", {}, ...rows),
      ),
    );
  }

  #showUnits() {
    const { given, off, vision } = this.look;
    const speakers = vision.speakers(given, this.place, SPEAKERS);
    const silent = [...(off.get(this.place) ?? [])].map((unit) => ({
      unit,
      activation: 0,
      push: vision.classes.map(() => 0),
    }));
    const largest = Math.max(...speakers.flatMap(({ push }) => push.map(Math.abs)), 1e-300);
    const rows = [...silent, ...speakers].map((speaker) => this.#speaker(speaker, largest));
    this.units.replaceChildren(
      ...(rows.length ? rows : [h("p", {}, "No unit of this layer is on for this picture.")]),
    );
  }

  /** @param {Speaker} speaker @param {number} largest */
  #speaker(speaker, largest) {
    const { given, off, vision } = this.look;
    const canvas = canvasOf(vision.shape, "weights");
    paintWeights(canvas, vision.looksFor(given, this.place, speaker.unit), vision.shape);
    const isOff = off.get(this.place)?.has(speaker.unit) ?? false;
    const name = `unit ${speaker.unit + 1}`;
    const text = isOff ? "Switch on" : "Switch off";
    const toggle = button(text, () => this.#toggle(speaker.unit), {
      "aria-label": `${text} ${name}`,
      "data-unit": String(speaker.unit),
    });
    const said = isOff ? ["switched off"] : this.#said(speaker);
    return h(
      "div",
      { class: "speaker" },
      canvas,
      h("div", {}, h("p", {}, `${name}: `, ...said), pushes(speaker, largest, vision.classes)),
      toggle,
    );
  }

  /** @param {Speaker} speaker */
  #said({ unit, activation, push }) {
    const layer = this.look.vision.hidden.indexOf(this.place) + 1;
    const most = [Math.max(...push), Math.min(...push)].map((one) => push.indexOf(one));
    const told = most.flatMap((k) => [
      h("b", {}, this.look.vision.classes[k]),
      " by ",
      shown(num(push[k], `push(${layer}, ${unit}, ${k})`), 3),
      " and ",
    ]);
    return [
      "activation ",
      shown(num(activation, `activation(${layer}, ${unit})`), 3),
      ", pushes ",
      ...told.slice(0, -1),
    ];
  }

  /** @param {number} unit */
  #toggle(unit) {
    this.look.toggle(this.place, unit);
    /** @type {HTMLElement | null} */ (this.units.querySelector(`[data-unit="${unit}"]`))?.focus();
  }
}

/**
 * The push on each class as bars, up or down.
 * @param {Speaker} speaker
 * @param {number} largest
 * @param {string[]} classes
 */
function pushes({ push }, largest, classes) {
  const bars = push.map((one, k) => {
    const bar = h("span", {
      class: one < 0 ? "negative" : "positive",
      title: `${classes[k]} ${format(one, 3)}`,
    });
    bar.style.height = `${(50 * Math.abs(one)) / largest}%`;
    bar.style[one < 0 ? "top" : "bottom"] = "50%";
    return h("span", { class: "slot" }, bar);
  });
  return h("div", { class: "pushes", "aria-hidden": "true" }, ...bars);
}

/** A share as a bar. @param {number} share */
function meter(share) {
  const inner = h("span", { class: "positive" });
  inner.style.width = `${100 * share}%`;
  return h("span", { class: "track whole", "aria-hidden": "true" }, inner);
}

/** @param {any} run */
function rounding({ name, rounding: { kind, pictures, same, largest } }) {
  const own = `A picture of your own may have ${MEGAPIXELS} megapixels at most.`;
  if (kind === "float32")
    return `Nothing: the weights of ${name} are here as they were trained, in float32. ${own}`;
  const bits = { int16: 16, int8: 8 }[/** @type {"int16"} */ (kind)];
  const told = pictures
    ? ` Of ${pictures} validation pictures ${same} get the same answer as from the exact network, ` +
      `and no probability differs by more than ${format(largest, 2)}.`
    : "";
  return `The weights of ${name} are rounded to ${bits} bits, so that this page stays small.${told} ${own}`;
}
