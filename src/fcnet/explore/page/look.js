// A look of the network at a picture: which one, what of it is covered, which units are off, what follows.

import { numbers } from "./decode.js";
import { Vision } from "./vision.js";

/** @typedef {import("./vision.js").Patch} Patch */
/** @typedef {{pixels: Uint8Array, label: number | null, name: string}} Picture */

export class Look {
  /** @param {any} run of the page's data @param {ArrayBuffer} block its numbers */
  constructor(run, block) {
    this.vision = new Vision(run, block);
    /** @type {Picture[]} */
    this.pictures = run.pictures.map((/** @type {any} */ one, /** @type {number} */ n) => ({
      pixels: numbers(block, one.pixels),
      label: one.label,
      name: `validation picture ${n + 1}, ${run.classes[one.label]}`,
    }));
    /** @type {Picture} */
    this.picture = this.pictures[0] ?? {
      pixels: Uint8Array.from(this.vision.mean),
      label: null,
      name: "the mean picture",
    };
    /** The side of a patch that covers: a quarter of the picture. */
    this.size = Math.max(1, Math.round(this.vision.shape[1] / 4));
    /** @type {Patch | null} */
    this.patch = null;
    /** Hidden units that are switched off, by their layer's place. @type {Map<number, Set<number>>} */
    this.off = new Map();
    /** Probabilities of the picture as it is. @type {number[]} */
    this.before = [];
    /** What each layer is given now. @type {import("./layers.js").Vector[]} */
    this.given = [];
    /** Probabilities now. @type {number[]} */
    this.now = [];
    /** @type {(() => void)[]} */
    this.listeners = [];
    this.#refresh();
  }

  /** Whether something is covered or switched off. */
  get changed() {
    return this.patch !== null || [...this.off.values()].some((units) => units.size > 0);
  }

  /** @param {Picture} picture */
  at(picture) {
    this.off = new Map();
    this.patch = null;
    this.picture = picture;
    this.#tell();
  }

  /**
   * Cover a patch whose corner is as near as the picture's edges allow, or nothing.
   * @param {{row: number, col: number} | null} corner
   */
  cover(corner) {
    const [, height, width] = this.vision.shape;
    /** @param {number} at @param {number} side */
    const within = (at, side) => Math.round(Math.min(Math.max(at, 0), side - this.size));
    this.patch = corner && {
      row: within(corner.row, height),
      col: within(corner.col, width),
      size: this.size,
    };
    this.#tell();
  }

  /** Switch a hidden unit off, or on again. @param {number} place @param {number} unit */
  toggle(place, unit) {
    const off = this.off.get(place) ?? new Set();
    if (!off.delete(unit)) off.add(unit);
    this.off.set(place, off);
    this.#tell();
  }

  #tell() {
    this.#refresh();
    for (const listener of this.listeners) listener();
  }

  #refresh() {
    const { vision, picture } = this;
    this.before = vision.answer(vision.see(vision.input(picture.pixels, null)));
    this.given = vision.see(vision.input(picture.pixels, this.patch), this.off);
    this.now = vision.answer(this.given);
  }
}
