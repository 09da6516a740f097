import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FAKE_SPEC } from "../evaluate/fake-engine.ts";
import { writeFeatures } from "./features-file.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regscope-features-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const spec = { ...FAKE_SPEC, hasCls: true, grid: 2, tokens: 5, width: 2 };
/** CLS and three patches; the patch of token 3 is gone. */
const last = {
  x: Float32Array.of(9, 9, 1, 10, 2, 20, 6, 60),
  positions: Int32Array.of(0, 1, 2, 4),
};

/** Tensors of a safetensors file, by the format's own rules; our reader refuses NaN. */
async function tensors(file: string) {
  const bytes = await readFile(file);
  const begin = 8 + Number(bytes.readBigUInt64LE());
  const { __metadata__: metadata, ...header } = JSON.parse(bytes.subarray(8, begin).toString());
  const read = (name: string) => {
    const [from, to] = header[name].data_offsets;
    const data = new Uint8Array(bytes.subarray(begin + from, begin + to)).buffer;
    return { shape: header[name].shape, values: [...new Float32Array(data)] };
  };
  return { metadata, features: read("features"), deleted: read("deleted") };
}

test("a dense map has NaN where a patch was deleted, and says so", async () => {
  const file = join(folder, "bare.safetensors");
  expect(await writeFeatures(file, spec, last, false)).toMatchObject({
    ...{ file, shape: [2, 2, 2], deleted: 1, refilled: false },
  });
  const { metadata, features, deleted } = await tensors(file);
  expect(metadata).toMatchObject({ deleted: "NaN", tensor: expect.stringContaining("last block") });
  expect(features).toEqual({ shape: [2, 2, 2], values: [1, 10, 2, 20, Number.NaN, Number.NaN, 6, 60] });
  expect(deleted).toEqual({ shape: [2, 2], values: [0, 0, 1, 0] });
});

test("a refilled map has the mean of the neighbours there, and still says what was deleted", async () => {
  const file = join(folder, "filled.safetensors");
  expect(await writeFeatures(file, spec, last, true)).toMatchObject({ deleted: 1, refilled: true });
  const { features, deleted } = await tensors(file);
  expect(features.values).toEqual([1, 10, 2, 20, 3, 30, 6, 60]);
  expect(deleted.values).toEqual([0, 0, 1, 0]);
});

test("a path that cannot be written is refused in words", async () => {
  await expect(writeFeatures(join(folder, "none", "x"), spec, last, true)).rejects.toThrow(/^--features: /);
});
