// A picture as the network takes it: its middle cut out and resized with Lanczos' filter, as fcnet does.

/**
 * @typedef {{width: number, height: number, data: Uint8ClampedArray}} Pixels four numbers a pixel: red,
 *   green, blue, opacity
 */

const LOBES = 3;

/** @param {number} x */
function lanczos(x) {
  if (x === 0) return 1;
  if (Math.abs(x) >= LOBES) return 0;
  const angle = Math.PI * x;
  return (LOBES * Math.sin(angle) * Math.sin(angle / LOBES)) / (angle * angle);
}

/**
 * For each of `size` places the first number that it is made of, and the shares.
 * @param {number} from
 * @param {number} length
 * @param {number} size
 * @param {number} limit
 */
function shares(from, length, size, limit) {
  const scale = length / size;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: size }, (_, place) => {
    const middle = from + (place + 0.5) * scale;
    const first = Math.max(Math.floor(middle - LOBES * stretch + 0.5), 0);
    const last = Math.min(Math.floor(middle + LOBES * stretch + 0.5), limit);
    const raw = Array.from({ length: last - first }, (_, n) => lanczos((first + n - middle + 0.5) / stretch));
    const total = raw.reduce((a, b) => a + b, 0);
    return { first, weights: raw.map((one) => one / total) };
  });
}

/** @param {number} value */
function whole(value) {
  return Math.min(Math.max(Math.round(value), 0), 255);
}

/**
 * One colour of the largest box in the wanted proportions in the middle, resized; row by row.
 * @param {Pixels} pixels @param {number} channel @param {number} height @param {number} width
 */
export function middleResized(pixels, channel, height, width) {
  const scale = Math.min(pixels.width / width, pixels.height / height);
  const [w, h] = [Math.max(Math.round(width * scale), 1), Math.max(Math.round(height * scale), 1)];
  const across = shares(Math.floor((pixels.width - w) / 2), w, width, pixels.width);
  const down = shares(Math.floor((pixels.height - h) / 2), h, height, pixels.height);
  const narrow = new Uint8Array(pixels.height * width);
  for (let y = 0; y < pixels.height; y++) {
    across.forEach(({ first, weights }, x) => {
      const start = 4 * (y * pixels.width + first) + channel;
      narrow[y * width + x] = whole(
        weights.reduce((total, share, n) => total + share * pixels.data[start + 4 * n], 0),
      );
    });
  }
  const out = new Uint8Array(height * width);
  for (let x = 0; x < width; x++) {
    down.forEach(({ first, weights }, y) => {
      out[y * width + x] = whole(
        weights.reduce((total, share, n) => total + share * narrow[(first + n) * width + x], 0),
      );
    });
  }
  return out;
}
