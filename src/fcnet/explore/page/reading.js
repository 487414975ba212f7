// A picture of the reader's own, from a file that is opened here and sent nowhere.

import { middleResized } from "./resize.js";

/** Millions of pixels that a picture may have. */
export const MEGAPIXELS = 24;

/** A picture that is not taken; the message is one clear sentence. */
export class Refused extends Error {}

/**
 * The picture's numbers as the network takes them, channel by channel.
 * @param {File} file @param {[number, number, number]} shape channels, height, width
 * @returns {Promise<Uint8Array>}
 */
export async function readPicture(file, [channels, height, width]) {
  const image = await opened(file);
  const [w, h] = [image.naturalWidth, image.naturalHeight];
  const millions = (w * h) / 1e6;
  if (millions > MEGAPIXELS) {
    throw new Refused(
      `${file.name} has ${millions.toFixed(1)} megapixels and this page takes up to ${MEGAPIXELS}: ` +
        `save it smaller and drop it again.`,
    );
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [w, h];
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.fillStyle = "#ffffff"; // what is transparent becomes white
  context.fillRect(0, 0, w, h);
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, w, h);
  const small = [0, 1, 2].map((channel) => middleResized(pixels, channel, height, width));
  if (channels === 3) return Uint8Array.from([...small[0], ...small[1], ...small[2]]);
  return Uint8Array.from(small[0], (red, n) =>
    Math.round(0.299 * red + 0.587 * small[1][n] + 0.114 * small[2][n]),
  );
}

/** @param {File} file @returns {Promise<HTMLImageElement>} */
function opened(file) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    const address = URL.createObjectURL(file);
    image.onload = () => {
      URL.revokeObjectURL(address);
      if (image.naturalWidth > 0) resolve(image);
      else image.onerror?.("");
    };
    image.onerror = () => {
      URL.revokeObjectURL(address);
      reject(
        new Refused(
          `${file.name} is not a picture that this browser can open: drop a PNG, JPEG or WebP file.`,
        ),
      );
    };
    image.src = address;
  });
}
