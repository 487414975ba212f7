// NumPy's RandomState, so that a seed gives the page the numbers that it gives the exercise.

/** The Mersenne Twister with the two kinds of draws that the toy problem needs. */
export class RandomState {
  /** @param {number} seed */
  constructor(seed) {
    this.words = new Uint32Array(624);
    this.words[0] = seed;
    for (let n = 1; n < 624; n++) {
      const last = this.words[n - 1] ^ (this.words[n - 1] >>> 30);
      this.words[n] = Math.imul(1812433253, last) + n;
    }
    this.place = 624;
    /** @type {number | null} the second of two normal numbers, which come in pairs */
    this.kept = null;
  }

  /** 32 random bits. */
  bits() {
    if (this.place === 624) this.#refill();
    let word = this.words[this.place++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform() {
    const high = this.bits() >>> 5;
    const low = this.bits() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** A standard normal number, by the polar method. */
  normal() {
    if (this.kept !== null) {
      const kept = this.kept;
      this.kept = null;
      return kept;
    }
    let x, y, square;
    do {
      x = 2 * this.uniform() - 1;
      y = 2 * this.uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * Math.log(square)) / square);
    this.kept = factor * x;
    return factor * y;
  }

  /** Whole numbers in [0, below), with replacement. @param {number} below @param {number} count */
  choice(below, count) {
    let mask = below - 1;
    for (const shift of [1, 2, 4, 8, 16]) mask |= mask >>> shift;
    return Array.from({ length: count }, () => {
      let drawn;
      do drawn = (this.bits() & mask) >>> 0;
      while (drawn >= below);
      return drawn;
    });
  }

  #refill() {
    const words = this.words;
    for (let n = 0; n < 624; n++) {
      const joined = (words[n] & 0x80000000) | (words[(n + 1) % 624] & 0x7fffffff);
      words[n] = words[(n + 397) % 624] ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }
}
