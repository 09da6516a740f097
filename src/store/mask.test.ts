import { expect, test } from "vitest";
import { testTrace } from "../figures/test-trace.ts";
import type { LabApi } from "../worker/api.ts";
import { booted, settle } from "./fake-lab.ts";
import { currentMask } from "./mask.ts";

type Compare = Parameters<LabApi["compareParts"]>;

async function withMask() {
  const compared: Compare[] = [];
  const cancelled: string[] = [];
  const set = await booted({
    compareParts: (...args) => {
      compared.push(args);
      return new Promise(() => {});
    },
    cancel: async (what) => void cancelled.push(what),
  });
  return { ...set, compared, cancelled };
}

test("the parts' traces arrive by block; painting on ends the comparison", async () => {
  const { lab, state, compared, cancelled } = await withMask();
  lab.setMask(Uint8Array.of(1, 0, 0, 0));
  void lab.compareParts();
  await settle();
  const [imageId, inside, onTrace] = compared[0]!;
  expect([imageId, Array.from(inside)]).toEqual(["image-1", [1, 0, 0, 0]]);
  onTrace("original", testTrace(0, [1, 2]));
  onTrace("foreground", testTrace(0, [3, 4]));
  expect(currentMask(state())).toMatchObject({ running: true });
  expect(currentMask(state()).traces.foreground[0]?.block).toBe(0);

  lab.setMask(Uint8Array.of(1, 1, 0, 0));
  onTrace("background", testTrace(0, [5, 6]));
  expect(currentMask(state())).toMatchObject({ running: false, traces: { original: [], background: [] } });
  expect(cancelled).toEqual(["mask"]);
});

test("a mask belongs to its image", async () => {
  const { lab, state } = await withMask();
  lab.setMask(Uint8Array.of(1, 0, 0, 0));
  await lab.openMask(new File([], "mask.png"));
  expect(Array.from(currentMask(state()).inside!)).toEqual([1]);
  void lab.openFiles([new File(["x"], "other.png")]);
  await settle();
  expect(currentMask(state()).inside).toBeNull();
});
