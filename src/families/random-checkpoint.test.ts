import { describe, expect, it } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { mulberry32, randomCheckpoint } from "./random-checkpoint.ts";

describe("randomCheckpoint", () => {
  it("is the same for the same options and another for another seed", () => {
    const bytes = (seed: number) => Buffer.from(randomCheckpoint({ seed }).bytes);
    expect(bytes(3).equals(bytes(3))).toBe(true);
    expect(bytes(3).equals(bytes(4))).toBe(false);
  });

  it("draws linears with variance 1 / fan-in around 0", async () => {
    const file = await openSafetensors(memorySource(randomCheckpoint().bytes, "random"));
    const weight = await file.read("blocks.0.mlp.fc2.weight", [64, 256]);
    const mean = weight.reduce((sum, x) => sum + x, 0) / weight.length;
    const variance = weight.reduce((sum, x) => sum + x * x, 0) / weight.length;
    expect(Math.abs(mean)).toBeLessThan(0.002);
    expect(variance * 256).toBeCloseTo(1, 1);
  });
});

describe("mulberry32", () => {
  it("is uniform over [0, 1)", () => {
    const next = mulberry32(7);
    const bins = new Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) bins[Math.floor(next() * 10)]!++;
    for (const bin of bins) expect(Math.abs(bin - 1000)).toBeLessThan(150);
  });
});
