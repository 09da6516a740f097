import { describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { memorySource } from "./byte-source.ts";
import { sha256 } from "./digest.ts";
import { writeSafetensors } from "./safetensors.ts";
import { openCheckpoint } from "./shards.ts";

const shard = (name: string, ...tensors: string[]) =>
  memorySource(
    writeSafetensors(
      tensors.map((tensor) => ({ name: tensor, shape: [1], data: Float32Array.of(tensor.length) })),
    ),
    name,
  );
const ONE = "model-00001-of-00002.safetensors";
const TWO = "model-00002-of-00002.safetensors";
const index = { weight_map: { a: ONE, bb: TWO } };

describe("openCheckpoint", () => {
  it.each([
    ["with their index", index],
    ["without it", null],
  ])("opens shards %s as one", async (_, given) => {
    const opened = await openCheckpoint([shard(TWO, "bb"), shard(ONE, "a")], given);
    expect([...opened.tensors.keys()].sort()).toEqual(["a", "bb"]);
    expect(await opened.read("a", [1])).toEqual(Float32Array.of(1));
    expect(await opened.read("bb", [1])).toEqual(Float32Array.of(2));
    await expect(opened.read("c")).rejects.toThrow(InputError);
  });

  it("hashes shards alike in any order", async () => {
    const [one, two] = [shard(ONE, "a"), shard(TWO, "bb")];
    expect(await sha256([one, two])).toBe(await sha256([two, one]));
    expect(await sha256([one, two])).not.toBe(await sha256(one));
  });

  it.each([
    ["a shard that is missing", [shard(ONE, "a")], index, `no ${TWO}`],
    ["a shard that is missing, without index", [shard(ONE, "a")], null, `no ${TWO}`],
    [
      "a shard of another set",
      [shard(ONE, "a"), shard("model-00002-of-00003.safetensors", "bb")],
      index,
      "which is none",
    ],
    ["a tensor in two shards", [shard(ONE, "a"), shard(TWO, "a", "bb")], null, "a mixture of checkpoints"],
    ["a tensor elsewhere than the index says", [shard(ONE, "bb"), shard(TWO, "a")], index, "the index says"],
    [
      "a tensor that the index does not know",
      [shard(ONE, "a", "x"), shard(TWO, "bb")],
      index,
      "nothing of it",
    ],
    [
      "a tensor that is lost",
      [shard(ONE, "a"), shard(TWO, "bb")],
      { weight_map: { ...index.weight_map, c: TWO } },
      '"c"',
    ],
    ["an index that is none", [shard(ONE, "a")], { weights: [] }, "weight_map"],
  ])("refuses %s", async (_, sources, given, message) => {
    await expect(openCheckpoint(sources, given)).rejects.toThrow(InputError);
    await expect(openCheckpoint(sources, given)).rejects.toThrow(message);
  });
});
