// Where the page has its numbers from: the server, asked again and again, or what a notebook embedded.

/** @typedef {{step: number, epoch: number, seconds: number, learning_rate: number, loss: number,
 *   objective: number, train_accuracy: number, val_accuracy: number, val_loss: number}} Row */
/** @typedef {{step: number, updates: Record<string, number>, gradients: Record<string, number>,
 *   dead: number[]}} Measured */
/** @typedef {{index: number, label: number, said: number, probability: number, pixels: string}} Mistake */
/** @typedef {{id: string, name: string, state: string, problem: string, note: string, progress: number,
 *   left: number | null, controls: boolean, resume: string, val_accuracy: number | null}} Summary */
/** @typedef {Summary & {rows: Row[], measured: Measured[], frames: {step: number, weights: string}[],
 *   seen: {confusion: number[][], mistakes: Mistake[]} | null, classes: string[],
 *   shape: [number, number, number] | null, metrics: Record<string, number> | null, data: string}} Run */

const EVERY = 1000;
const SLOWEST = 5000;

export class Feed {
  /** @param {any} data that is embedded in the page */
  constructor(data) {
    /** Whether nothing changes any more. @type {boolean} */
    this.still = Boolean(data.runs);
    /** @type {Summary[]} */
    this.runs = data.runs ?? [];
    /** @type {Record<string, Run>} */
    this.details = data.details ?? {};
    /** Ids of the runs that are looked at. @type {string[]} */
    this.chosen = [];
    /** What is wrong with the connection, in a sentence. */
    this.trouble = "";
    /** @type {(() => void)[]} */
    this.listeners = [];
    /** @type {Record<string, string>} */
    this.tags = {};
    this.wait = EVERY;
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  get token() {
    return location.hash.slice(1);
  }

  /** Ask the server for what has changed, and again in a while. */
  async poll() {
    if (this.still) return;
    clearTimeout(this.timer);
    let changed = false;
    const before = this.trouble;
    try {
      changed = await this.#news();
      this.trouble = "";
      this.wait = EVERY;
    } catch (error) {
      this.trouble = error instanceof Refusal ? error.message : GONE;
      this.wait = Math.min(SLOWEST, this.wait * 1.5);
    }
    if (changed || before !== this.trouble) for (const listener of this.listeners) listener();
    this.timer = setTimeout(() => this.poll(), document.hidden ? SLOWEST : this.wait);
  }

  /** @param {string} id @param {"pause" | "run" | "stop"} wish */
  async ask(id, wish) {
    await this.#fetch(`/run/${id}/${wish}`, "POST");
    await this.poll();
  }

  async #news() {
    let changed = false;
    const runs = await this.#get("/runs");
    if (runs) [this.runs, changed] = [runs, true];
    for (const id of this.chosen) {
      const run = await this.#get(`/run/${id}`);
      if (run) [this.details[id], changed] = [run, true];
    }
    return changed;
  }

  /** What is new at an address; null where nothing is. @param {string} path */
  async #get(path) {
    const answer = await this.#fetch(path, "GET", this.tags[path]);
    if (answer.status === 304) return null;
    this.tags[path] = answer.headers.get("ETag") ?? "";
    return answer.json();
  }

  /** @param {string} path @param {string} method @param {string} [tag] of what is known already */
  async #fetch(path, method, tag) {
    const headers = { "X-Fcnet-Token": this.token, ...(tag ? { "If-None-Match": tag } : {}) };
    const answer = await fetch(path, { method, headers, cache: "no-store" });
    if (answer.status === 401) throw new Refusal(OTHER_TOKEN);
    if (!answer.ok && answer.status !== 304) throw new Refusal((await answer.json()).error);
    return answer;
  }
}

/** The server's own words. */
export class Refusal extends Error {}

const OTHER_TOKEN = "This address has no valid token: open the one that the command printed.";
const GONE =
  "The server does not answer: it was stopped, or ended with its training. The page tries again; " +
  "fcnet watch RUN shows a run at any time.";
