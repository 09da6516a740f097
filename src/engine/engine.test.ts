import { beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { CancelledError, InputError } from "../errors/input-error.ts";
import { openEncoder } from "../families/index.ts";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { type Intervention, NO_INTERVENTION } from "../intervention/intervention.ts";
import { curate } from "../regcache/curate.ts";
import { runDifference } from "./agreement.ts";
import { collect } from "./collect.ts";
import { createEngine } from "./engine.ts";
import type { GraphSession, Runtime } from "./runtime.ts";
import { createNodeRuntime } from "./runtime-node.ts";
import type { Engine, EngineInput } from "./types.ts";

const BLOCKS = 5;
const W8A8 = { weightBits: 8, activationBits: 8, weightGranularity: "per-tensor" } as const;

/** The node runtime, counting sessions and runs, and failing when two runs overlap. */
function watchedRuntime() {
  const inner = createNodeRuntime();
  const seen = { runs: 0, sessions: 0, released: 0, overlapped: false, running: false };
  const runtime: Runtime = {
    ...inner,
    async createSession(model): Promise<GraphSession> {
      const session = await inner.createSession(model);
      seen.sessions += 1;
      return {
        async run(feeds, fetches) {
          seen.overlapped ||= seen.running;
          seen.running = true;
          seen.runs += 1;
          const outputs = await session.run(feeds, fetches);
          await new Promise((resolve) => setTimeout(resolve, 1));
          seen.running = false;
          return outputs;
        },
        release() {
          seen.released += 1;
          return session.release();
        },
      };
    },
  };
  return { runtime, seen };
}

async function makeEngine(runtime: Runtime = createNodeRuntime()): Promise<Engine> {
  const { bytes, config } = randomCheckpoint({ width: 32, heads: 2, blocks: BLOCKS, grid: 5, patch: 4 });
  const file = await openSafetensors(memorySource(bytes, "random.safetensors"));
  return createEngine(openEncoder(file, { config }, {}), runtime);
}

function input(id: string): EngineInput {
  const phase = id.length + id.charCodeAt(id.length - 1);
  return { id, pixels: Float32Array.from({ length: 3 * 20 * 20 }, (_, i) => Math.sin(i * phase * 0.37)) };
}

async function withRegisters(engine: Engine): Promise<string> {
  const images = ["a", "b", "c"].map((id) => async () => input(id));
  const registers = await curate(
    engine,
    images,
    { block: 2, top: 5 },
    { model: "0".repeat(64), data: "test" },
  );
  engine.addRegisters(registers);
  return registers.id;
}

describe("a run", () => {
  let engine: Engine;
  let registers: string;
  beforeAll(async () => {
    engine = await makeEngine();
    registers = await withRegisters(engine);
  });

  it("streams one trace per block, in order, with all tokens", async () => {
    const { traces, result } = await collect(engine.run(input("x"), NO_INTERVENTION));
    expect(traces.map(({ block }) => block)).toEqual([0, 1, 2, 3, 4]);
    expect(traces.every(({ positions }) => positions.length === 26)).toBe(true);
    expect(result.feature).toHaveLength(32);
    expect(result.logits).toHaveLength(10);
    expect(result.computedFrom).toBe(0);
  });

  it("takes unchanged blocks from the cache, and gives what a run from scratch gives", async () => {
    const change: Intervention = {
      prefix: { registers, from: 3, to: 4, count: 4 },
      delete: { block: 4, count: 3, by: "linf" },
      quantize: null,
    };
    await collect(engine.run(input("y"), NO_INTERVENTION));
    const resumed = await collect(engine.run(input("y"), change));
    expect(resumed.result.computedFrom).toBe(3);
    const fresh = await collect(engine.run({ ...input("y"), id: "y, not cached" }, change));
    expect(fresh.result.computedFrom).toBe(0);
    expect(runDifference(fresh, resumed)).toBe(0);
  });

  it("deletes patch tokens for good, at that block's input, never CLS, and keeps positions", async () => {
    const { traces, result } = await collect(
      engine.run(input("x"), { ...NO_INTERVENTION, delete: { block: 2, count: 4, by: "linf" } }),
    );
    expect(traces.map(({ positions }) => positions.length)).toEqual([26, 26, 22, 22, 22]);
    expect(result.deleted).toHaveLength(4);
    expect(traces[4]!.positions[0]).toBe(0);
    const before = traces[1]!.residual.linf;
    const kept = [...traces[2]!.positions].filter((token) => token > 0);
    const smallestDeleted = Math.min(...[...result.deleted].map((token) => before[token]!));
    expect(Math.max(...kept.map((token) => before[token]!))).toBeLessThanOrEqual(smallestDeleted);
    expect([...traces[2]!.positions, ...result.deleted].sort((a, b) => a - b)).toEqual([
      ...traces[0]!.positions,
    ]);
  });

  it("deletes by post-LN L-inf exactly what the block's own graph measures at its qkv input", async () => {
    const plain = await collect(engine.run(input("x"), NO_INTERVENTION));
    const graph = plain.traces[2]!.inputs.qkv;
    const largest = [...graph.keys()].slice(1).sort((a, b) => graph[b]! - graph[a]!);
    for (const count of [1, 4, 9]) {
      const rule = { block: 2, count, by: "linf", tensor: "post-ln" } as const;
      const { result } = await collect(engine.run(input("x"), { ...NO_INTERVENTION, delete: rule }));
      expect([...result.deleted]).toEqual(largest.slice(0, count).sort((a, b) => a - b));
      const residual = { ...NO_INTERVENTION, delete: { ...rule, tensor: "residual" as const } };
      const other = await collect(engine.run(input("x"), residual));
      if (count === 9) expect(other.result.deleted).not.toEqual(result.deleted);
    }
  });

  it("deletes by criterion as many as each image has, from the cache as from scratch", async () => {
    const norms = async (id: string) =>
      (await collect(engine.run(input(id), NO_INTERVENTION))).traces[1]!.residual.l2.slice(1);
    const all = (await Promise.all(["x", "longer id", "z"].map(norms))).flatMap((l2) => [...l2]);
    const above = all.sort((a, b) => a - b)[Math.floor(all.length * 0.8)]!;
    const change = (atMost?: number): Intervention => ({
      ...NO_INTERVENTION,
      delete: { block: 2, by: "criterion", criterion: "darcet", above, ...(atMost && { atMost }) },
    });
    const counts: number[] = [];
    for (const id of ["x", "longer id", "z"]) {
      const expected = [...(await norms(id)).entries()].filter(([, l2]) => l2 > above).map(([i]) => i + 1);
      const run = await collect(engine.run(input(id), change()));
      expect(run.result.computedFrom).toBe(2);
      expect([...run.result.deleted]).toEqual(expected);
      expect(run.traces[4]!.positions).toHaveLength(26 - expected.length);
      const again = await collect(engine.run(input(id), change()));
      expect(again.result.computedFrom).toBe(5);
      expect(again.result.feature).toEqual(run.result.feature);
      const fresh = await collect(engine.run({ ...input(id), id: `${id}, not cached` }, change()));
      expect(runDifference(fresh, run)).toBe(0);
      const capped = await collect(engine.run(input(id), change(1)));
      expect(capped.result.deleted).toHaveLength(Math.min(1, expected.length));
      counts.push(expected.length);
    }
    expect(new Set(counts).size).toBeGreaterThan(1);
  });

  it("gives attention to the prefix only in its blocks", async () => {
    const { traces } = await collect(
      engine.run(input("x"), { ...NO_INTERVENTION, prefix: { registers, from: 1, to: 3, count: 2 } }),
    );
    expect(traces.map(({ prefixReceived }) => prefixReceived > 0)).toEqual([false, true, true, true, false]);
    for (const { attentionReceived, prefixReceived } of traces) {
      expect(attentionReceived.reduce((a, b) => a + b, 0) + prefixReceived).toBeCloseTo(1, 4);
    }
  });

  it("quantizes: W4A4 is farther from FP than W8A8, and neither is equal to it", async () => {
    const feature = async (bits: number) => {
      const quantize = { ...W8A8, weightBits: bits, activationBits: bits };
      return (await collect(engine.run(input("x"), { ...NO_INTERVENTION, quantize }))).result.feature;
    };
    const fp = (await collect(engine.run(input("x"), NO_INTERVENTION))).result.feature;
    const distance = (a: Float32Array) => Math.hypot(...a.map((v, i) => v - fp[i]!));
    const [at8, at4] = [distance(await feature(8)), distance(await feature(4))];
    expect(at8).toBeGreaterThan(0);
    expect(at4).toBeGreaterThan(4 * at8);
  });

  it("quantizes only the blocks and linears that are named, and takes the FP blocks before from the cache", async () => {
    const run = async (quantize: Intervention["quantize"]) =>
      collect(engine.run(input("x"), { ...NO_INTERVENTION, quantize }));
    const fp = await run(null);
    const fc2 = await run({ ...W8A8, blocks: [2], linears: ["fc2"] });
    expect(fc2.result.computedFrom).toBe(2);
    expect(fc2.traces[1]!.residual.linf).toEqual(fp.traces[1]!.residual.linf);
    expect(fc2.traces[2]!.inputs.fc2).toEqual(fp.traces[2]!.inputs.fc2); // before the rounding of block 2's fc2
    expect(fc2.traces[2]!.residual.linf).not.toEqual(fp.traces[2]!.residual.linf);
    const whole = await run({ ...W8A8, blocks: [2] });
    expect(whole.traces[2]!.inputs.fc2).not.toEqual(fp.traces[2]!.inputs.fc2);
  });

  it.each<[string, Intervention]>([
    ["quantization of a block past the last", { ...NO_INTERVENTION, quantize: { ...W8A8, blocks: [5] } }],
    ["unknown registers", { ...NO_INTERVENTION, prefix: { registers: "none", from: 0, to: 1, count: 1 } }],
    ["a block past the last", { ...NO_INTERVENTION, delete: { block: 5, count: 1, by: "linf" } }],
    ["as many deletions as patches", { ...NO_INTERVENTION, delete: { block: 1, count: 25, by: "linf" } }],
    [
      "similarity without registers",
      { ...NO_INTERVENTION, delete: { block: 1, count: 2, by: "similarity" } },
    ],
  ])("refuses %s", async (_, intervention) => {
    await expect(collect(engine.run(input("x"), intervention))).rejects.toThrow(InputError);
  });
});

describe("running work", () => {
  it("never overlaps, even when many runs are started at once", async () => {
    const { runtime, seen } = watchedRuntime();
    const engine = await makeEngine(runtime);
    await Promise.all(["p", "q", "r"].map((id) => collect(engine.run(input(id), NO_INTERVENTION))));
    expect(seen.overlapped).toBe(false);
    expect(seen.runs).toBe(3 * (BLOCKS + 2));
  });

  it("stops at the next block when it is cancelled, and the engine stays usable", async () => {
    const { runtime, seen } = watchedRuntime();
    const engine = await makeEngine(runtime);
    const abort = new AbortController();
    const run = engine.run(input("x"), NO_INTERVENTION, { signal: abort.signal });
    await run.next();
    abort.abort();
    await expect(run.next()).rejects.toThrow(CancelledError);
    expect(seen.runs).toBe(2); // embedding and block 0
    await expect(collect(engine.run(input("x"), NO_INTERVENTION))).resolves.toBeDefined();
  });

  it("lets interactive work overtake background work", async () => {
    const engine = await makeEngine();
    const finished: string[] = [];
    const start = async (id: string, priority: "interactive" | "background") => {
      await collect(engine.run(input(id), NO_INTERVENTION, { priority }));
      finished.push(id);
    };
    await Promise.all([
      start("slow", "background"),
      start("slow2", "background"),
      start("fast", "interactive"),
    ]);
    expect(finished[0]).toBe("fast");
  });

  it("releases every session when it is disposed, and when loading is cancelled", async () => {
    const { runtime, seen } = watchedRuntime();
    const engine = await makeEngine(runtime);
    await collect(engine.run(input("x"), { ...NO_INTERVENTION, quantize: W8A8 }));
    await engine.dispose();
    expect(seen.released).toBe(seen.sessions);
    expect(seen.sessions).toBe(2 * BLOCKS + 2);
    await expect(collect(engine.run(input("x"), NO_INTERVENTION))).rejects.toThrow(CancelledError);

    const { bytes, config } = randomCheckpoint({ blocks: 3 });
    const file = await openSafetensors(memorySource(bytes, "random.safetensors"));
    const abort = new AbortController();
    const watched = watchedRuntime();
    const loading = createEngine(openEncoder(file, { config }, {}), watched.runtime, {
      signal: abort.signal,
      onProgress: (done) => done === 2 && abort.abort(),
    });
    await expect(loading).rejects.toThrow(CancelledError);
    expect(watched.seen.sessions).toBe(2);
    expect(watched.seen.released).toBe(2);
  });
});
