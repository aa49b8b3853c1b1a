// Masks and photographs as pixels, and back.

/** @import { Picture } from "./types.js" */
import { grayPng } from "./gray-png.js";
import { MaskPicture } from "./mask-picture.js";
import { upload } from "./server.js";

/** @param {Picture} picture @param {number} width @param {number} height @returns {Promise<Uint8ClampedArray>} RGBA on white */
export async function pixelsOf(picture, width, height) {
  const image = new Image();
  image.src = `mask/${picture.id}`;
  await image.decode();
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  // What is transparent counts as white.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

/** @param {Picture | null} stored @param {{ width: number, height: number }} size */
export async function loadMask(stored, { width, height }) {
  const mask = new MaskPicture(width, height);
  if (!stored) return mask;
  const pixels = await pixelsOf(stored, width, height);
  for (let at = 0; at < mask.pixels.length; at++) mask.pixels[at] = pixels[at * 4] ?? 0;
  return mask;
}

/** @param {MaskPicture} mask @param {string} name */
export async function storeMask(mask, name) {
  return upload(await grayPng(mask.width, mask.height, mask.pixels), `mask-${name}.png`, "mask");
}
