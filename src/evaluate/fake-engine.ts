import type { EncoderSpec } from "../encoder/spec.ts";
import type { Engine, RunOptions } from "../engine/types.ts";
import { throwIfCancelled } from "../errors/input-error.ts";
import type { Intervention } from "../intervention/intervention.ts";
import type { LabelledSet } from "./dataset.ts";

/** A spec of the smallest kind, for tests of code that asks an engine only for features. */
export const FAKE_SPEC: EncoderSpec = {
  family: "fake",
  label: "Fake",
  blocks: 1,
  width: 2,
  heads: 1,
  mlpWidth: 2,
  patch: 1,
  grid: 1,
  hasCls: false,
  trainedRegisters: 0,
  tokens: 1,
  layerNormEps: 1e-6,
  activation: "gelu",
  pooling: "mean",
  classes: 0,
  classNames: null,
  preprocess: {
    size: 1,
    mode: "squash",
    resize: 1,
    interpolation: "bicubic",
    mean: [0, 0, 0],
    std: [1, 1, 1],
  },
  assumptions: [],
  outlierOrigin: null,
};

/** For tests: an engine whose feature is a function of pixels and intervention; it logs what it ran. */
export function fakeEngine(
  feature: (pixels: Float32Array, intervention: Intervention) => Float32Array,
  spec: EncoderSpec = FAKE_SPEC,
) {
  const log: { id: string; intervention: Intervention; options: RunOptions }[] = [];
  const result: Engine["result"] = async (input, intervention, options = {}) => {
    throwIfCancelled(options.signal);
    log.push({ id: input.id, intervention, options });
    return {
      feature: feature(input.pixels, intervention),
      logits: null,
      deleted: new Int32Array(),
      computedFrom: 0,
      milliseconds: 0,
      cost: { milliseconds: 0, weightBytes: 0 },
    };
  };
  const engine: Engine = {
    spec,
    registers: new Map(),
    addCalibration() {},
    addRegisters() {},
    // biome-ignore lint/correctness/useYield: no block, no trace; only the result matters here
    async *run(input, intervention, options = {}) {
      return result(input, intervention, options);
    },
    result,
    results: (inputs, intervention, options) =>
      Promise.all(inputs.map((input) => result(input, intervention, options))),
    backward: () => Promise.reject(new Error("a fake engine has no linears")),
    exclusive: (work) => work(),
    async dispose() {},
  };
  return { engine, log };
}

/** For tests: images of one pixel whose red and green are the two values given. */
export function fakeSet(
  rows: readonly (readonly [red: number, green: number, label: number])[],
): LabelledSet {
  return {
    name: "fake",
    classes: ["red", "green"],
    count: rows.length,
    label: (i) => rows[i]![2],
    id: (i) => `fake#${i}`,
    image: async (i) => ({
      width: 1,
      height: 1,
      data: Uint8ClampedArray.of(rows[i]![0], rows[i]![1], 0, 255),
    }),
  };
}
