import { expect, test, vi } from "vitest";
import { InputError } from "../errors/input-error.ts";
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
    // As in the worker, of the file's bytes.
    openImage: async (blob, name) => {
      const view = { size: 2, rgba: new Uint8ClampedArray(16) };
      return { id: `image of ${await blob.text()}`, name, width: 2, height: 2, view };
    },
    openMask: async () => Uint8Array.of(1, 1, 0, 0),
  });
  return { ...set, compared, cancelled };
}

test("the parts' traces arrive by block; painting on ends the comparison", async () => {
  const { lab, state, compared, cancelled } = await withMask();
  lab.setMask(Uint8Array.of(1, 0, 0, 0));
  void lab.compareParts();
  await settle();
  const [imageId, inside, onTrace] = compared[0]!;
  expect([imageId, Array.from(inside)]).toEqual(["image of x", [1, 0, 0, 0]]);
  onTrace("original", testTrace(0, [1, 2]));
  onTrace("foreground", testTrace(0, [3, 4]));
  expect(currentMask(state())).toMatchObject({ running: true });
  expect(currentMask(state()).traces.foreground[0]?.block).toBe(0);

  lab.setMask(Uint8Array.of(1, 1, 0, 0));
  onTrace("background", testTrace(0, [5, 6]));
  expect(currentMask(state())).toMatchObject({ running: false, traces: { original: [], background: [] } });
  expect(cancelled).toEqual(["mask"]);
});

test("a mask belongs to its image, and is there again with it", async () => {
  const { lab, state } = await withMask();
  lab.setMask(Uint8Array.of(1, 0, 0, 0));
  await lab.openMask(new File([], "mask.png"));
  const shown = () => currentMask(state()).inside?.join("") ?? null;
  expect(shown()).toBe("1100");
  void lab.openFiles([new File(["other"], "other.png")]);
  await settle();
  expect(shown()).toBeNull();
  lab.setMask(Uint8Array.of(0, 0, 0, 1));
  void lab.openFiles([new File(["x"], "again.png")]);
  await settle();
  expect(shown()).toBe("1100");
  void lab.openFiles([new File(["other"], "other.png")]);
  await settle();
  expect(shown()).toBe("0001");
});

test("with another model a mask stays, what was computed with it does not; another input size has none", async () => {
  const { lab, runs, state, compared } = await withMask();
  lab.setMask(Uint8Array.of(1, 0, 0, 0));
  void lab.compareParts();
  await settle();
  compared[0]![2]("original", testTrace(0, [1, 2]));
  void lab.openBundledModel();
  await vi.waitFor(() => expect(runs).toHaveLength(4));
  expect(currentMask(state())).toMatchObject({ running: false, traces: { original: [] } });
  expect(currentMask(state()).inside).toEqual(Uint8Array.of(1, 0, 0, 0));
  const { image } = state();
  const view = { size: 4, rgba: new Uint8ClampedArray(64) };
  const larger = { ...image!, info: { ...image!.info, view } };
  expect(currentMask({ ...state(), image: larger }).inside).toBeNull();
});

test("a comparison ends where another image's starts", async () => {
  const { lab, state, compared } = await withMask();
  lab.setMask(Uint8Array.of(1, 0, 0, 0));
  void lab.compareParts();
  void lab.openFiles([new File(["other"], "other.png")]);
  await settle();
  lab.setMask(Uint8Array.of(0, 0, 0, 1));
  void lab.compareParts();
  await settle();
  expect(compared.map(([id]) => id)).toEqual(["image of x", "image of other"]);
  expect(Object.values(state().mask).map(({ running }) => running)).toEqual([false, true]);
});

test("a scene of the test set comes with its mask, and a link opens it again", async () => {
  const opened: string[] = [];
  const overrides: Partial<LabApi> = {
    openMask: async (imageId, blob) => {
      opened.push(`${imageId}: ${await blob.text()}`);
      return Uint8Array.of(1);
    },
  };
  const { lab, state, written } = await booted(overrides);
  void lab.openScene(7);
  await vi.waitFor(() => expect(currentMask(state()).inside).toEqual(Uint8Array.of(1)));
  expect(state().image).toMatchObject({ sample: "test-scene-7.png", info: { name: "test-scene-7.png" } });
  expect(opened).toEqual(["image-2: mask 7"]);
  expect(written.at(-1)).toContain("sample=test-scene-7.png");

  const again = await booted(overrides, {}, "#sample=test-scene-7.png");
  expect(again.state().image?.sample).toBe("test-scene-7.png");
  await vi.waitFor(() => expect(currentMask(again.state()).inside).toEqual(Uint8Array.of(1)));
});

test("a link to a scene that is not there opens the first sample", async () => {
  const scene = async () => {
    throw new InputError("Test scene", "a number from 0 to 2", "7", "Choose another.");
  };
  const { state } = await booted({ scene }, {}, "#sample=test-scene-7.png");
  expect(state().image?.sample).toBe("a.png");
  expect(state().messages[0]?.text).toContain("a number from 0 to 2");
});
