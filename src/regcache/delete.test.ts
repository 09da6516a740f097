import { describe, expect, it } from "vitest";
import type { EncoderSpec } from "../encoder/spec.ts";
import type { Deletion } from "../intervention/deletion.ts";
import { deleteTokens, similarityScores } from "./delete.ts";
import type { Registers } from "./registers.ts";

const spec = { width: 2, hasCls: true, trainedRegisters: 1, layerNormEps: 0 } as EncoderSpec;
// CLS, one trained register, four patches; the first two rows are the largest but may not go.
const x = Float32Array.of(90, 0, 80, 0, 1, 0, 0, 7, 5, 0, 5, 0);
const positions = Int32Array.of(0, 1, 2, 3, 4, 5);
const context = {
  norm1: { weight: Float32Array.of(1, 1), bias: Float32Array.of(0, 0) },
  registers: null,
};

describe("deleteTokens", () => {
  it("drops the largest patches, never CLS or a trained register, and keeps order and positions", () => {
    const result = deleteTokens(spec, { x, positions }, { block: 0, count: 2, by: "linf" }, context);
    expect([...result.deleted]).toEqual([3, 4]); // 7, then the first of two equal ones
    expect([...result.positions]).toEqual([0, 1, 2, 5]);
    expect([...result.x]).toEqual([90, 0, 80, 0, 1, 0, 5, 0]);
  });

  it("knows tokens by position, not by row, after an earlier deletion", () => {
    const kept = { x: x.slice(4), positions: positions.slice(2) };
    const result = deleteTokens(spec, kept, { block: 0, count: 1, by: "linf" }, context);
    expect([...result.deleted]).toEqual([3]);
  });

  it("drops the patches that point like the registers, however small they are", () => {
    const registers = {
      state: [Float32Array.of(3, 1)],
      mean: [Float32Array.of(2, 1)],
    } as unknown as Registers;
    const small = Float32Array.of(9, 9, 8, 8, 2, 5, 2.1, 1, -7, 1, 2, -9);
    const result = deleteTokens(
      spec,
      { x: small, positions },
      { block: 0, count: 1, by: "similarity" },
      { ...context, registers },
    );
    expect([...result.deleted]).toEqual([3]); // (2.1, 1) - mean = (0.1, 0): exactly the direction
  });
});

describe("deleteTokens by post-LN L-inf", () => {
  it("ranks by LayerNorm 1 of the input, whatever the residual stream's magnitude", () => {
    // After LN a row of two values is (-1, 1) or (1, -1): L-inf is the larger of |bias -+ 1|.
    const norm1 = { weight: Float32Array.of(1, 1), bias: Float32Array.of(0, 3) };
    const rows = Float32Array.of(0, 9, 0, 9, 500, 0, 0, 1, 400, 0, 0, 2);
    const rule = { block: 0, count: 2, by: "linf", tensor: "post-ln" } as const;
    const { deleted } = deleteTokens(spec, { x: rows, positions }, rule, { ...context, norm1 });
    expect([...deleted]).toEqual([3, 5]); // 4 where the second channel is the larger one, 2 elsewhere
  });
});

describe("deleteTokens by criterion", () => {
  const wide = { ...spec, width: 1, trainedRegisters: 0 };
  /** CLS, then patches of one channel. */
  const run = (values: number[], rule: Partial<Deletion>) => {
    const tokens = { x: Float32Array.from(values), positions: Int32Array.from(values.keys()) };
    const whole = { block: 0, by: "criterion", criterion: "prefixquant", ...rule } as Deletion;
    return [...deleteTokens(wide, tokens, whole, context).deleted];
  };

  it("deletes every patch that meets it, as many as there are in this image, and never CLS", () => {
    expect(run([900, 1, 65, 1, 1, 64, 700, 1, 1], {})).toEqual([2, 6]);
    expect(run([900, 1, 1, 1, 1], {})).toEqual([]);
  });

  it("deletes the highest first where the number is bounded", () => {
    expect(run([1, 65, 1, 700, 1, 80, 1, 1, 1], { atMost: 2 })).toEqual([3, 5]);
  });

  it("leaves one patch, the lowest, where all of them meet it", () => {
    expect(run([900, 160, 170, 155, 165], { criterion: "darcet" })).toEqual([1, 2, 4]);
  });

  it("reads L2 against a cutoff where the criterion has one", () => {
    const rows = Float32Array.of(0, 0, 30, 40, 30, 41, 3, 4);
    const tokens = { x: rows, positions: Int32Array.of(0, 7, 8, 9) };
    const rule = { block: 0, by: "criterion", criterion: "jiang", above: 50 } as const;
    expect([...deleteTokens(spec, tokens, rule, context).deleted]).toEqual([8]); // 50 is not beyond 50
  });

  it("deletes those more similar to the registers' direction than the cutoff", () => {
    const registers = {
      state: [Float32Array.of(1, 0)],
      mean: [Float32Array.of(0, 0)],
    } as unknown as Registers;
    const rows = Float32Array.of(1, 0, 1, 0, 3, 4, 4, 3, -1, 0, 0, 1); // cosines of the patches: .6, .8, -1, 0
    const rule = { block: 0, by: "criterion", criterion: "similarity", above: 0.7 } as const;
    const similar = (above: number) =>
      deleteTokens(spec, { x: rows, positions }, { ...rule, above }, { ...context, registers }).deleted;
    expect([...similar(0.7)]).toEqual([3]);
    expect([...similar(0.5)]).toEqual([2, 3]);
    expect([...similar(0.9)]).toEqual([]);
  });
});

describe("similarityScores", () => {
  it("is the cosine of x - m and r - m, 0 for x = m", () => {
    const scores = similarityScores(
      Float32Array.of(3, 2, 1, 2, 2, 2),
      Float32Array.of(5, 2),
      Float32Array.of(2, 2),
    );
    expect([...scores]).toEqual([1, -1, 0]);
  });
});
