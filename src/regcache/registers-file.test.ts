import { beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { collect } from "../engine/collect.ts";
import { createEngine } from "../engine/engine.ts";
import { createNodeRuntime } from "../engine/runtime-node.ts";
import type { Engine, EngineInput } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import { openEncoder } from "../families/index.ts";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { curate, curatePrefixes } from "./curate.ts";
import type { Register, Registers } from "./registers.ts";
import { readRegisters, writeRegisters } from "./registers-file.ts";

const sha256 = "ab".repeat(32);
const images = [3, 5, 8].map(
  (phase) => async (): Promise<EngineInput> => ({
    id: `image ${phase}`,
    pixels: Float32Array.from({ length: 3 * 16 * 16 }, (_, i) => Math.sin(i * phase * 0.11)),
  }),
);
let engine: Engine;
let registers: Registers;

beforeAll(async () => {
  const { bytes, config } = randomCheckpoint({ width: 24, heads: 2, blocks: 3, grid: 4, patch: 4 });
  const file = await openSafetensors(memorySource(bytes, "random.safetensors"));
  engine = await createEngine(openEncoder(file, { config }, {}), createNodeRuntime());
  registers = await curate(
    engine,
    images,
    { block: 1, top: 4 },
    {
      ...{ model: sha256, data: "3 test images", probeOf: "cd12" },
    },
  );
});

describe("curate", () => {
  it("tells which pass runs, and its images", async () => {
    const told: string[] = [];
    await curate(
      engine,
      images,
      { block: 1, top: 4 },
      {
        ...{ model: sha256, data: "" },
        onProgress: (stage, done, total) => told.push(`${stage} ${done}/${total}`),
      },
    );
    const pass = (name: string) =>
      images.map((_, i) => `Curating, ${name} (images) ${i + 1}/${images.length}`);
    expect(told).toEqual([...pass("pass 1 of 2, candidates"), ...pass("pass 2 of 2, keys and values")]);
  });

  it("averages the keys, values and states of the largest tokens, each from its own image", async () => {
    // An independent second way: every token of every image with its L-inf after block 1, and its own rows.
    const all: { linf: number; key: Float32Array; value: Float32Array; state: Float32Array }[] = [];
    for (const load of images) {
      const found = new Map<string, Float32Array>();
      const input = await load();
      await collect(
        engine.run(input, NO_INTERVENTION, {
          onStates: ({ block, input: x, output, qkv }) => {
            for (let token = 1; token < 17; token++) {
              const row = output.subarray(token * 24, (token + 1) * 24);
              if (block === 1) found.set(`linf ${token}`, Float32Array.of(Math.max(...row.map(Math.abs))));
              if (block !== 2) continue;
              found.set(`key ${token}`, qkv.slice(token * 72 + 24, token * 72 + 48));
              found.set(`value ${token}`, qkv.slice(token * 72 + 48, token * 72 + 72));
              found.set(`state ${token}`, x.slice(token * 24, (token + 1) * 24));
            }
          },
        }),
      );
      for (let token = 1; token < 17; token++) {
        const part = (name: string) => found.get(`${name} ${token}`)!;
        all.push({ linf: part("linf")[0]!, key: part("key"), value: part("value"), state: part("state") });
      }
    }
    const top = all.sort((a, b) => b.linf - a.linf).slice(0, 4);
    for (const name of ["key", "value", "state"] as const) {
      for (let c = 0; c < 24; c++) {
        const mean = top.reduce((sum, token) => sum + token[name][c]!, 0) / 4;
        const mine = name === "state" ? registers.state : registers.distinct[0]![name];
        expect(mine[2]![c]).toBeCloseTo(mean, 5);
      }
    }
    for (let c = 0; c < 24; c++) {
      const mean = all.reduce((sum, token) => sum + token.state[c]!, 0) / all.length;
      expect(registers.mean[2]![c]).toBeCloseTo(mean, 5);
    }
  });

  it("takes a token's largest L-inf over a range of blocks", async () => {
    const settings = { from: 0, block: 2, top: 1 };
    const { outliers } = await curatePrefixes(engine, images, settings, { model: sha256, data: "" });
    let best = { linf: 0, key: new Float32Array() };
    for (const load of images) {
      const largest = new Float32Array(17);
      await collect(
        engine.run(await load(), NO_INTERVENTION, {
          onStates: ({ block, output, qkv }) => {
            for (let token = 1; token < 17; token++) {
              const row = output.subarray(token * 24, (token + 1) * 24);
              largest[token] = Math.max(largest[token]!, ...row.map(Math.abs));
              if (block === 2 && largest[token]! > best.linf) {
                best = { linf: largest[token]!, key: qkv.slice(token * 72 + 24, token * 72 + 48) };
              }
            }
          },
        }),
      );
    }
    expect(outliers).toMatchObject({ kind: "outliers", from: 0, block: 2, candidates: 1 });
    expect(outliers.distinct[0]!.key[2]).toEqual(best.key);
  });

  it("gives a random ordinary token's and the mean token's keys and values from the same passes", async () => {
    const prefixes = await curatePrefixes(engine, images, { block: 1, top: 4 }, { model: sha256, data: "" });
    expect(prefixes.outliers).toEqual({ ...registers, data: "", probeOf: undefined });
    expect(prefixes.meanToken).toMatchObject({ kind: "mean-token", candidates: 3 * 16 });
    expect(prefixes.meanToken.state).toEqual(registers.mean);
    expect(prefixes.randomSink).toMatchObject({ kind: "random-sink", candidates: 1 });
    const { outliers, randomSink, meanToken } = prefixes;
    const ids = [outliers, randomSink, meanToken].map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    // The random token is one of the images' own: its keys are those of a run.
    let found = false;
    for (const load of images) {
      await collect(
        engine.run(await load(), NO_INTERVENTION, {
          onStates: ({ block, qkv }) => {
            if (block !== 2) return;
            const keys = Array.from({ length: 17 }, (_, row) => qkv.slice(row * 72 + 24, row * 72 + 48));
            const [sink] = prefixes.randomSink.distinct;
            found ||= keys.some((key) => key.every((value, c) => value === sink!.key[2]![c]));
          },
        }),
      );
    }
    expect(found).toBe(true);
  });

  it("groups the tokens into distinct registers, whose mean over the tokens is the single register", async () => {
    const settings = { block: 1, top: 6, registers: 2 };
    const one = await curate(engine, images, { block: 1, top: 6 }, { model: sha256, data: "" });
    const two = await curate(engine, images, settings, { model: sha256, data: "" });
    expect(one.distinct).toHaveLength(1);
    expect(two.distinct).toHaveLength(2);
    const [large, small] = two.distinct as [Register, Register];
    expect(large.candidates).toBeGreaterThanOrEqual(small.candidates);
    expect(large.candidates + small.candidates).toBe(6);
    expect(two).toMatchObject({ candidates: 6, state: one.state, mean: one.mean, cosine: one.cosine });
    expect(two.id).not.toBe(one.id);
    for (const name of ["key", "value"] as const) {
      for (let block = 0; block < 3; block++) {
        const [a, b] = [large[name][block]!, small[name][block]!];
        const mean = a.map((v, c) => (v * large.candidates + b[c]! * small.candidates) / 6);
        one.distinct[0]![name][block]!.forEach((v, c) => {
          expect(mean[c]).toBeCloseTo(v, 5);
        });
      }
    }
  });

  it("groups the same tokens in several ways at once, each as a curation of its own would", async () => {
    const options = { model: sha256, data: "" };
    const settings = { block: 1, top: 6, groupings: [2, 3] };
    const { outliers, grouped } = await curatePrefixes(engine, images, settings, options);
    const alone = await Promise.all(
      [1, 2, 3].map((registers) => curate(engine, images, { block: 1, top: 6, registers }, options)),
    );
    expect([outliers, ...grouped]).toEqual(alone);
  });

  it.each([
    ["a grouping into more than there are slots", images, { block: 1, top: 9, groupings: [2, 5] }],
    ["no registers", images, { block: 1, top: 4, registers: 0 }],
    ["more registers than tokens", images, { block: 1, top: 2, registers: 3 }],
    ["more registers than slots", images, { block: 1, top: 9, registers: 5 }],
    ["a range that ends before it starts", images, { from: 2, block: 1, top: 4 }],
    ["no images", [], { block: 1, top: 4 }],
    ["a block past the last", images, { block: 3, top: 4 }],
    ["no tokens", images, { block: 1, top: 0 }],
  ])("refuses %s", async (_, some, settings) => {
    await expect(curate(engine, some, settings, { model: sha256, data: "" })).rejects.toThrow(InputError);
  });
});

describe("registers file", () => {
  it("reads back what was written, to the bit", async () => {
    const file = memorySource(writeRegisters(registers), "registers.safetensors");
    expect(await readRegisters(file, { sha256, spec: engine.spec })).toEqual(registers);
  });

  it("of several distinct registers is version 2, and reads back to the bit; of one it stays version 1", async () => {
    const settings = { block: 1, top: 6, registers: 3 };
    const several = await curate(engine, images, settings, { model: sha256, data: "3 test images" });
    const bytes = writeRegisters(several);
    const { metadata } = await openSafetensors(memorySource(bytes, "r"));
    const counts = several.distinct.map(({ candidates }) => candidates);
    expect(metadata).toMatchObject({ version: "2", register_candidates: counts.join(",") });
    const read = await readRegisters(memorySource(bytes, "r"), { sha256, spec: engine.spec });
    expect(read).toEqual(several);
    const single = await openSafetensors(memorySource(writeRegisters(registers), "r"));
    expect(single.metadata).toMatchObject({ version: "1" });
    expect(single.metadata).not.toHaveProperty("register_candidates");
  });

  /** A file whose manifest says something else; undefined = nothing. */
  const withManifest = (changes: Record<string, string | undefined>) => {
    const bytes = writeRegisters(registers);
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    Object.assign(header.__metadata__, changes);
    bytes.set(new TextEncoder().encode(JSON.stringify(header).padEnd(length)), 8);
    return bytes;
  };
  const read = (bytes: Uint8Array) =>
    readRegisters(memorySource(bytes, "mine.safetensors"), { sha256, spec: engine.spec });

  it("of the first release, without a kind and a range, is read as what it was", async () => {
    const old = await read(withManifest({ kind: undefined, from: undefined }));
    expect(old).toMatchObject({ kind: "outliers", from: old.block });
  });

  it("keeps what the curation was made with; a file of an earlier release says nothing of it", async () => {
    const { size, mean, std } = engine.spec.preprocess;
    expect(await read(writeRegisters(registers))).toMatchObject({ top: 4, input: { size, mean, std } });
    const none = { top: undefined, input_size: undefined, input_mean: undefined, input_std: undefined };
    const old = await read(withManifest(none));
    expect(old).not.toHaveProperty("top");
    expect(old).not.toHaveProperty("input");
    expect(old).toEqual({ ...registers, top: undefined, input: undefined });
  });

  it("of a newer release is refused with its version, those that are understood, and the upgrade", async () => {
    await expect(read(withManifest({ version: "3" }))).rejects.toThrow(
      'mine.safetensors: expected a registers file of version 1 or 2, got version "3". A newer RegScope wrote it: upgrade',
    );
    const unknown = await read(withManifest({ version: "x" })).catch((error: InputError) => error.message);
    expect(unknown).toMatch(/got version "x"\. It is damaged/);
    await expect(read(withManifest({ version: undefined }))).rejects.toThrow(/got no version/);
  });

  it.each([
    ["a block past the encoder's last", { block: "3" }, /in blocks 0 to 2, got blocks 1 to 3/],
    ["a range that ends before it starts", { from: "2" }, /got blocks 2 to 1/],
    ["a range that is no number", { from: "one" }, /from/],
  ])("is refused with %s", async (_, changes, message) => {
    await expect(read(withManifest(changes))).rejects.toThrow(message);
  });

  it("that is cut off or holds NaN is refused with a remedy for registers, not for a checkpoint", async () => {
    const whole = writeRegisters(registers);
    const remedy = /It is damaged, or no registers file: copy it again .* curate the registers anew\.$/;
    for (const length of [4, 20, whole.length - 1]) {
      await expect(read(whole.slice(0, length))).rejects.toThrow(remedy);
    }
    const key = registers.distinct[0]!.key.map((row) => row.slice());
    key[1]![2] = Number.NaN;
    const diverged = writeRegisters({ ...registers, distinct: [{ ...registers.distinct[0]!, key }] });
    await expect(read(diverged)).rejects.toThrow(/tensor "key": expected finite numbers, got NaN/);
    await expect(read(diverged)).rejects.toThrow(remedy);
  });

  it("that can no longer be read is refused in its source's own words", async () => {
    const gone = new InputError("mine", "a readable file", "none", "Choose it again.");
    const source = { name: "mine", size: 1000, read: () => Promise.reject(gone) };
    await expect(readRegisters(source, { sha256, spec: engine.spec })).rejects.toBe(gone);
  });

  it("is refused for another model, with what to do", async () => {
    const file = memorySource(writeRegisters(registers), "mine.safetensors");
    const reading = readRegisters(file, { sha256: "cd".repeat(32), spec: engine.spec });
    await expect(reading).rejects.toThrow(/mine\.safetensors.*abababababab.*curate registers for this one/);
  });

  it("is refused when it is some other safetensors file", async () => {
    const { bytes } = randomCheckpoint();
    await expect(read(bytes)).rejects.toThrow(InputError);
    await expect(read(bytes)).rejects.toThrow(/expected a registers file .*, got .*format/);
  });
});
