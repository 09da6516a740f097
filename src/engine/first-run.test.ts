import { expect, test } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { openEncoder } from "../families/index.ts";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { LayerTrace } from "../trace/layer-trace.ts";
import { collect } from "./collect.ts";
import { createEngine } from "./engine.ts";
import type { Runtime } from "./runtime.ts";
import { createNodeRuntime } from "./runtime-node.ts";

const BLOCKS = 3;

async function encoder() {
  const { bytes, config } = randomCheckpoint({ width: 32, heads: 2, blocks: BLOCKS, grid: 5, patch: 4 });
  return openEncoder(await openSafetensors(memorySource(bytes, "random.safetensors")), { config }, {});
}

const INPUT = { id: "a", pixels: Float32Array.from({ length: 3 * 20 * 20 }, (_, i) => Math.sin(i * 0.37)) };

/** A runtime that logs what it does; its run number `failsAt` fails. */
function loggedRuntime(log: string[], failsAt = Number.POSITIVE_INFINITY): Runtime {
  const inner = createNodeRuntime();
  let runs = 0;
  return {
    ...inner,
    async createSession(model) {
      const session = await inner.createSession(model);
      log.push("built");
      return {
        run(feeds, fetches) {
          log.push("run");
          if (++runs === failsAt) throw new Error("no memory");
          return session.run(feeds, fetches);
        },
        release: () => session.release(),
      };
    },
  };
}

test("every block runs as soon as it is built, and the same image then costs the head alone", async () => {
  const log: string[] = [];
  const told: LayerTrace[] = [];
  const first = { input: INPUT, onTrace: (trace: LayerTrace) => told.push(trace) };
  const engine = await createEngine(await encoder(), loggedRuntime(log), { first });
  expect(log.join(" ")).toBe("built run built run built run built run built");
  const plain = await createEngine(await encoder(), createNodeRuntime());
  const wanted = await collect(plain.run(INPUT, NO_INTERVENTION));
  expect(told.map(({ milliseconds: _, ...trace }) => trace)).toEqual(
    wanted.traces.map(({ milliseconds: _, ...trace }) => trace),
  );
  log.length = 0;
  const { result, traces } = await collect(engine.run(INPUT, NO_INTERVENTION));
  expect(log).toEqual(["run"]);
  expect(result.computedFrom).toBe(BLOCKS);
  expect(result.feature).toEqual(wanted.result.feature);
  expect(traces).toHaveLength(BLOCKS);
  await Promise.all([engine.dispose(), plain.dispose()]);
});

test("a first run that fails leaves a whole engine, which runs the image anew from where it failed", async () => {
  const told: number[] = [];
  const first = { input: INPUT, onTrace: ({ block }: LayerTrace) => told.push(block) };
  const engine = await createEngine(await encoder(), loggedRuntime([], 3), { first });
  expect(told).toEqual([0]);
  const { result, traces } = await collect(engine.run(INPUT, NO_INTERVENTION));
  expect(result.computedFrom).toBe(1);
  expect(traces.map(({ block }) => block)).toEqual([0, 1, 2]);
  await engine.dispose();
});

test("an engine without instruments has no first run", async () => {
  const log: string[] = [];
  const first = { input: INPUT, onTrace: () => log.push("trace") };
  const engine = await createEngine(await encoder(), loggedRuntime(log), { first, instruments: false });
  expect(new Set(log)).toEqual(new Set(["built"]));
  await engine.dispose();
});
