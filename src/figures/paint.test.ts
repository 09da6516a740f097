import { expect, test } from "vitest";
import { paintCell, paintRow } from "./paint.ts";
import { paletteOf } from "./palette.ts";

/** Records what a 2D context is asked to fill and stroke. */
function recorder() {
  const calls: string[] = [];
  const state = { fillStyle: "", strokeStyle: "", globalAlpha: 1, lineWidth: 1 };
  const painter = Object.assign(state, {
    fillRect: (...box: number[]) =>
      calls.push(`fill ${state.fillStyle} ${state.globalAlpha} ${box.join(",")}`),
    clearRect: (...box: number[]) => calls.push(`clear ${box.join(",")}`),
    stroke: () => calls.push(`stroke ${state.strokeStyle}`),
    fill: () => calls.push("dot"),
    ...Object.fromEntries(
      ["save", "restore", "beginPath", "rect", "clip", "moveTo", "lineTo", "arc"].map((name) => [
        name,
        () => {},
      ]),
    ),
  });
  return { calls, painter: painter as unknown as CanvasRenderingContext2D };
}

const palette = paletteOf("dark");
const rect = { x: 0, y: 0, width: 10, height: 10 };

test("a value is one rectangle in its colour of the table", () => {
  const { calls, painter } = recorder();
  paintCell(painter, { mark: "value", colour: 128 }, rect, palette, 0.5);
  expect(calls).toEqual([`fill ${palette.table[128]} 0.5 0,0,10,10`]);
});

test("clamped values get a notch at their end", () => {
  const { calls, painter } = recorder();
  paintCell(painter, { mark: "above", colour: 255 }, rect, palette);
  paintCell(painter, { mark: "below", colour: 0 }, rect, palette);
  expect(calls[1]).toBe(`fill ${palette.notch} 1 0,0,10,2`);
  expect(calls[3]).toBe(`fill ${palette.notch} 1 0,8,10,2`);
});

test("a refilled cell is hatched over its colour", () => {
  const { calls, painter } = recorder();
  paintCell(painter, { mark: "refilled", colour: 128 }, rect, palette, 0.5);
  expect(calls).toEqual([`fill ${palette.table[128]} 0.5 0,0,10,10`, `stroke ${palette.empty}`]);
});

test("deleted, zero and not-finite cells look different and use no colour of the table", () => {
  const looks = (["deleted", "zero", "not-finite"] as const).map((mark) => {
    const { calls, painter } = recorder();
    paintCell(painter, { mark, colour: 0 }, rect, palette);
    expect(calls[0]).toBe(`fill ${palette.empty} 1 0,0,10,10`);
    return calls.slice(1).join();
  });
  expect(looks[1]).toBe("dot");
  expect(looks[0]).toBe(`stroke ${palette.mark}`);
});

test("a row is cleared first and faded as a whole", () => {
  const { calls, painter } = recorder();
  paintRow(painter, [{ x: 4, width: 6, token: 0, mark: "value", colour: 1 }], 20, 10, palette, 0.35);
  expect(calls).toEqual(["clear 0,20,11,10", `fill ${palette.table[1]} 0.35 4,20,6,9`]);
  expect(painter.globalAlpha).toBe(1);
});
