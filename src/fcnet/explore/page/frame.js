// The picture, large: choose another or one's own, cover a patch of it, see where covering matters.

import { canvasOf, paint, paintVeil } from "../../web/canvas.js";
import { button, h } from "../../web/dom.js";
import { num, shown } from "../../web/numbers.js";
import { Refused, readPicture } from "./reading.js";

/** @typedef {import("./look.js").Look} Look */
/** @typedef {import("./look.js").Picture} Picture */

/** What an arrow key moves a patch by, rows and columns. @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class Frame {
  /** @param {Look} look @param {(text: string) => void} announce */
  constructor(look, announce) {
    this.look = look;
    this.announce = announce;
    /** Counts what was asked for, so that an answer that comes too late is dropped. */
    this.asked = 0;
    const { shape } = look.vision;
    this.canvas = canvasOf(shape, "picture");
    this.veil = canvasOf(shape, "veil");
    this.hole = h("span", { class: "hole", hidden: true });
    this.frame = h(
      "div",
      {
        class: "frame",
        tabindex: 0,
        role: "application",
        "aria-label": "The picture. Arrow keys move a patch that covers it, Escape takes it away.",
        onclick: (/** @type {MouseEvent} */ event) => this.#click(event),
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      },
      this.canvas,
      this.veil,
      this.hole,
    );
    this.thumbnails = look.pictures.map((picture) => {
      const canvas = canvasOf(shape, "thumbnail");
      paint(canvas, picture.pixels, shape);
      return h(
        "button",
        { type: "button", class: "thumb", "aria-label": picture.name, onclick: () => this.choose(picture) },
        canvas,
      );
    });
    this.file = h("input", {
      type: "file",
      accept: "image/*",
      class: "unseen",
      id: "own",
      onchange: () => this.#own(this.file.files?.[0]),
    });
    this.message = h("p", { class: "message", role: "status" });
    this.matters = h("p", { class: "why", role: "status" });
    this.map = button("Where it matters", () => this.#map());
    this.uncover = button("Uncover", () => look.cover(null));
    this.element = h(
      "div",
      {
        class: "stage",
        ondragover: (/** @type {DragEvent} */ event) => event.preventDefault(),
        ondrop: (/** @type {DragEvent} */ event) => {
          event.preventDefault();
          this.#own(event.dataTransfer?.files[0]);
        },
      },
      h("div", { class: "thumbs" }, ...this.thumbnails),
      this.frame,
      h(
        "div",
        { class: "buttons" },
        this.map,
        this.uncover,
        this.file,
        h("label", { for: "own", class: "button" }, "Your own picture"),
      ),
      this.message,
      this.matters,
      h(
        "p",
        { class: "why" },
        "Click the picture to cover a patch with the mean picture. Drop a file anywhere here to show the " +
          "network another: it stays on this machine.",
      ),
    );
    this.#noMap();
    look.listeners.push(() => this.show());
  }

  /** @param {Picture} picture */
  choose(picture) {
    this.message.textContent = "";
    this.#noMap();
    this.look.at(picture);
  }

  /** @param {File | undefined} file */
  async #own(file) {
    if (!file) return;
    try {
      this.choose({ pixels: await readPicture(file, this.look.vision.shape), label: null, name: file.name });
      this.announce(`the network looks at ${file.name}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.message.textContent = error.message;
    }
    this.file.value = "";
  }

  show() {
    const { patch, picture, pictures, vision } = this.look;
    const [, height, width] = vision.shape;
    paint(this.canvas, picture.pixels, vision.shape);
    this.thumbnails.forEach((one, n) => one.setAttribute("aria-pressed", String(pictures[n] === picture)));
    this.uncover.disabled = this.hole.hidden = patch === null;
    if (!patch) return;
    const at = {
      left: patch.col / width,
      top: patch.row / height,
      width: patch.size / width,
      height: patch.size / height,
    };
    for (const [side, share] of Object.entries(at)) this.hole.style.setProperty(side, `${100 * share}%`);
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const box = this.frame.getBoundingClientRect();
    const { size, vision } = this.look;
    const [, height, width] = vision.shape;
    const [down, right] = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    this.look.cover({ row: down * height - size / 2, col: right * width - size / 2 });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") return this.look.cover(null);
    const by = ARROWS[event.key];
    if (!by) return;
    event.preventDefault();
    const { patch, size, vision } = this.look;
    const [, height, width] = vision.shape;
    const middle = { row: (height - size) / 2, col: (width - size) / 2 };
    this.look.cover(patch ? { row: patch.row + by[0], col: patch.col + by[1] } : middle);
  }

  #noMap() {
    this.asked += 1;
    this.map.setAttribute("aria-pressed", "false");
    this.veil.hidden = true;
    this.matters.replaceChildren();
  }

  /** Cover every place in turn, a row of patches at a time so that the page stays quick. */
  async #map() {
    if (this.map.getAttribute("aria-pressed") === "true") return this.#noMap();
    this.map.setAttribute("aria-pressed", "true");
    const asked = ++this.asked;
    const { before, picture, size, vision } = this.look;
    const k = before.indexOf(Math.max(...before));
    const places = [];
    for (const patch of vision.corners(size)) {
      if (patch.col === 0) await new Promise((resolve) => setTimeout(resolve));
      if (asked !== this.asked) return;
      places.push({ patch, p: vision.covered(picture.pixels, patch, k) });
    }
    paintVeil(this.veil, drops(places, before[k], vision.shape), vision.shape);
    this.veil.hidden = false;
    const { patch, p } = places.reduce((least, one) => (one.p < least.p ? one : least));
    const name = vision.classes[k];
    this.matters.replaceChildren(
      `Covering what is orange lowers ${name}, covering what is blue raises it. `,
      `Most of all at row ${patch.row + 1}, column ${patch.col + 1}: from `,
      shown(num(before[k], `before[${k}]`), 3),
      " to ",
      shown(num(p, `covered(${patch.row}, ${patch.col}, ${size}, ${k})`), 3),
      ".",
    );
  }
}

/**
 * Of each pixel the mean drop over the patches that cover it.
 * @param {{patch: import("./vision.js").Patch, p: number}[]} places
 * @param {number} before
 * @param {[number, number, number]} shape
 */
function drops(places, before, [, height, width]) {
  const sums = new Array(height * width).fill(0);
  const counts = new Array(height * width).fill(0);
  for (const { patch, p } of places) {
    for (let n = 0; n < patch.size ** 2; n++) {
      const at = (patch.row + Math.floor(n / patch.size)) * width + patch.col + (n % patch.size);
      sums[at] += before - p;
      counts[at] += 1;
    }
  }
  return sums.map((sum, n) => sum / Math.max(1, counts[n]));
}
