import { describe, expect, it } from "vitest";
import type { EncoderSpec } from "../encoder/spec.ts";
import { deleteTokens, similarityScores } from "./delete.ts";
import type { Registers } from "./registers.ts";

const spec = { width: 2, hasCls: true, trainedRegisters: 1 } as EncoderSpec;
// CLS, one trained register, four patches; the first two rows are the largest but may not go.
const x = Float32Array.of(90, 0, 80, 0, 1, 0, 0, 7, 5, 0, 5, 0);
const positions = Int32Array.of(0, 1, 2, 3, 4, 5);

describe("deleteTokens", () => {
  it("drops the largest patches, never CLS or a trained register, and keeps order and positions", () => {
    const result = deleteTokens(spec, { x, positions }, { block: 0, count: 2, by: "linf" }, null);
    expect([...result.deleted]).toEqual([3, 4]); // 7, then the first of two equal ones
    expect([...result.positions]).toEqual([0, 1, 2, 5]);
    expect([...result.x]).toEqual([90, 0, 80, 0, 1, 0, 5, 0]);
  });

  it("knows tokens by position, not by row, after an earlier deletion", () => {
    const kept = { x: x.slice(4), positions: positions.slice(2) };
    const result = deleteTokens(spec, kept, { block: 0, count: 1, by: "linf" }, null);
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
      registers,
    );
    expect([...result.deleted]).toEqual([3]); // (2.1, 1) - mean = (0.1, 0): exactly the direction
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
