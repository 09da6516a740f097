import { expect, test } from "vitest";
import { paintDisc, paintRectangle, togglePatch } from "./paint-mask.ts";

const rows = (mask: Uint8Array, size: number) =>
  Array.from({ length: size }, (_, y) => mask.slice(y * size, (y + 1) * size).join(""));

test("a disc sets the pixels whose centres it covers, and erases them again", () => {
  const empty = new Uint8Array(25);
  const disc = { x: 2.5, y: 2.5, radius: 1.2 };
  const painted = paintDisc(empty, 5, disc, 1);
  expect(rows(painted, 5)).toEqual(["00000", "00100", "01110", "00100", "00000"]);
  expect(paintDisc(painted, 5, disc, 0)).toEqual(empty);
  expect(empty.some(Boolean)).toBe(false);
});

test("a patch turns over as a whole, by its majority", () => {
  const once = togglePatch(new Uint8Array(16), 4, 2, 1);
  expect(rows(once, 4)).toEqual(["0011", "0011", "0000", "0000"]);
  expect(rows(togglePatch(once, 4, 2, 1), 4)).toEqual(["0000", "0000", "0000", "0000"]);
  const half = paintDisc(new Uint8Array(16), 4, { x: 0.5, y: 3.5, radius: 0.2 }, 1);
  expect(rows(togglePatch(half, 4, 2, 2), 4)).toEqual(["0000", "0000", "1100", "1100"]);
});

test("a rectangle sets whole patches, both ends included, and erases them again", () => {
  const place = { top: 1, bottom: 2, left: 0, right: 1 };
  const painted = paintRectangle(new Uint8Array(36), 6, 3, place, 1);
  expect(rows(painted, 6)).toEqual(["000000", "000000", "111100", "111100", "111100", "111100"]);
  const erased = paintRectangle(painted, 6, 3, { top: 2, bottom: 2, left: 1, right: 2 }, 0);
  expect(rows(erased, 6)).toEqual(["000000", "000000", "111100", "111100", "110000", "110000"]);
});
