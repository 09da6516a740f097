import { afterAll, beforeAll, expect, test } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import type { Engine, EngineInput } from "../engine/types.ts";
import { uniteSets } from "../evaluate/calibration.ts";
import { cosinesBySet } from "./cosine-report.ts";
import { curate } from "./curate.ts";
import { readRegisters, writeRegisters } from "./registers-file.ts";
import { countingEngine, testImages } from "./test-engine.ts";

const sha256 = "ab".repeat(32);
const SETTINGS = { block: 1, top: 8 };
let engine: Engine;

beforeAll(async () => {
  ({ engine } = await countingEngine(3));
});
afterAll(() => engine.dispose());

const union = await uniteSets([testImages(2), { ...testImages(3, { from: 2 }), name: "others" }]);
const parts = [
  { name: "test", images: 2 },
  { name: "others", images: 3 },
];
const curated = (sets?: typeof parts) => {
  const loaders = Array.from({ length: union.count }, (_, i) => (): Promise<EngineInput> => union.load(i));
  return curate(engine, loaders, SETTINGS, { model: sha256, data: "five images", ...(sets && { sets }) });
};

test("several sets are one after the other, without labels; a single one stays as it is", async () => {
  expect(union).toMatchObject({ name: "test + others", count: 5, label: null });
  const ids = await Promise.all([0, 1, 2, 3, 4].map(async (i) => (await union.load(i)).id));
  expect(ids).toEqual(["test 0", "test 1", "test 2", "test 3", "test 4"]);
  const one = testImages(2);
  expect(await uniteSets([one])).toBe(one);
});

test("registers of several sets are those of all their images, and say how each set takes part", async () => {
  const plain = await curated();
  const registers = await curated(parts);
  expect({ ...registers, sets: undefined }).toEqual({ ...plain, sets: undefined });
  expect(plain.sets).toBeUndefined();
  const { sets = [] } = registers;
  expect(sets.map(({ name, images }) => ({ name, images }))).toEqual(parts);
  expect(sets[0]!.candidates + sets[1]!.candidates).toBe(8);
  expect(sets[1]!.cosine.outliers).not.toBeNull();
  expect((await curated(parts.slice(0, 1))).sets).toBeUndefined();

  const file = memorySource(writeRegisters(registers), "registers.safetensors");
  expect(await readRegisters(file, { sha256, spec: engine.spec })).toEqual(registers);
  const broken = { ...registers, sets: [{ ...sets[0]!, images: -1 }, sets[1]!] };
  const bad = memorySource(writeRegisters(broken), "registers.safetensors");
  await expect(readRegisters(bad, { sha256, spec: engine.spec })).rejects.toThrow(/sets/);
});

test("cosines are taken among a set's own tokens; fewer than two have none", () => {
  const state = (image: number, ...values: number[]) => ({ image, state: Float32Array.from(values) });
  const outliers = [state(0, 1, 0), state(1, 1, 0), state(2, 0, 1)];
  const normal = [state(0, 1, 0), state(1, 0, 1), state(2, 1, 0), state(4, 1, 0)];
  const [test, others] = cosinesBySet(parts, outliers, normal);
  expect(test).toEqual({ name: "test", images: 2, candidates: 2, cosine: { outliers: 1, normal: 0 } });
  expect(others).toEqual({ name: "others", images: 3, candidates: 1, cosine: { outliers: null, normal: 1 } });
});
