import { expect, test } from "vitest";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { countingEngine } from "../regcache/test-engine.ts";
import type { Progress } from "./api.ts";
import { curateRegisters } from "./curation.ts";

const set: LabelledSet = {
  name: "photos",
  classes: ["unlabelled"],
  count: 6,
  label: () => 0,
  id: (i) => `photos/${i}`,
  image: async (i) => ({
    width: 20,
    height: 20,
    data: Uint8ClampedArray.from({ length: 4 * 20 * 20 }, (_, p) =>
      p % 4 === 3 ? 255 : (p * (i + 3)) % 251,
    ),
  }),
};

test("registers come from the first images of the set's order and the blocks that were asked for", async () => {
  const { engine } = await countingEngine(4);
  const told: Progress[] = [];
  const model = {
    ...{ engine, sha256: "a".repeat(64), bytes: 1, check: null, text: null },
    status: { backend: "wasm", threads: 1, crossOriginIsolated: false, webgpuRefusal: null } as const,
  };
  const request = {
    images: { kind: "probe", dataset: "set-1" } as const,
    limit: 4,
    settings: { from: 1, block: 2, top: 5 },
  };
  const signal = new AbortController().signal;
  const [info, ...others] = await curateRegisters(
    model,
    [set],
    "cd12",
    request,
    (progress) => told.push(progress),
    signal,
  );
  expect(info).toMatchObject({ from: 1, block: 2, candidates: 5, images: 4 });
  expect(info.label).toBe("after blocks 1 to 2, 4 images of photos");
  expect(engine.registers.get(info.id)).toMatchObject({
    from: 1,
    block: 2,
    data: "4 images of photos",
    probeOf: "cd12",
  });
  expect(others.map(({ kind, curation }) => [kind, curation])).toEqual([
    ["random-sink", info.curation],
    ["mean-token", info.curation],
  ]);
  expect(others.map(({ label }) => label)).toEqual([
    "control, a random token: after blocks 1 to 2, 4 images of photos",
    "control, the mean token: after blocks 1 to 2, 4 images of photos",
  ]);
  expect(others.map(({ id }) => engine.registers.get(id)?.kind)).toEqual(["random-sink", "mean-token"]);
  expect(told.map(({ done, total }) => [done, total])).toEqual(
    [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4].map((done) => [done, 4]),
  );
  await engine.dispose();
});
