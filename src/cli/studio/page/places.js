// Where each painting goes: as soon as one has a mask, each needs one, or is "the rest".

/** @import { Desk, Styled } from "./types.js" */

/**
 * The paintings with a name for each that stays when others come and go. The same picture may hang there twice.
 * @param {Desk} desk
 * @returns {(Styled & { key: string })[]}
 */
export function keyed({ paintings }) {
  return paintings.map((painting, index) => {
    const same = paintings.slice(0, index).filter(({ picture }) => picture.id === painting.picture.id);
    return { ...painting, key: `${painting.picture.id} ${same.length}` };
  });
}

/**
 * Makes the masks agree: "the rest" needs another painting with a mask, and has none itself. If nobody is the rest, the first painting without a
 * mask becomes it.
 * @param {Desk} desk
 */
export function settle(desk) {
  const { paintings } = desk;
  const rest = desk.rest !== null ? paintings[desk.rest] : undefined;
  if (rest) rest.mask = null;
  if (paintings.length < 2 || !paintings.some(({ mask }) => mask)) {
    desk.rest = null;
    return;
  }
  if (rest) return;
  const first = paintings.findIndex(({ mask }) => !mask);
  desk.rest = first >= 0 ? first : null;
}
