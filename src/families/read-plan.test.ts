import { describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { openEncoder } from "./index.ts";
import { randomCheckpoint } from "./random-checkpoint.ts";
import { planReads } from "./read-plan.ts";

describe("planReads", () => {
  it("lists what embeddings, blocks and head read, without reading any of it", async () => {
    const { bytes, config } = randomCheckpoint({ blocks: 3 });
    let end = 0;
    const source = memorySource(bytes, "model.safetensors");
    const read = (begin: number, to: number) => {
      end = Math.max(end, to);
      return source.read(begin, to);
    };
    const weights = await openSafetensors({ ...source, read });
    const parts = await planReads(weights, (view) => openEncoder(view, { config }));
    expect(parts).toHaveLength(5);
    const nameOf = new Map([...weights.tensors].map(([name, entry]) => [entry, name]));
    const names = parts.map((part) => part.map((entry) => nameOf.get(entry)!));
    expect(names[0]).toContain("pos_embed");
    for (const block of [0, 1, 2]) {
      expect(names[block + 1]!.every((name) => name.startsWith(`blocks.${block}.`))).toBe(true);
    }
    expect(names[4]).toContain("head.weight");
    expect(names.flat().sort()).toEqual([...weights.tensors.keys()].sort());
    expect(end).toBe(Math.min(...[...weights.tensors.values()].map(({ begin }) => begin)));
  });
});
