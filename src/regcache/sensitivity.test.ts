import { beforeAll, describe, expect, it } from "vitest";
import { collect } from "../engine/collect.ts";
import { CancelledError } from "../errors/input-error.ts";
import { meanSquaredError } from "../evaluate/feature-error.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { mostSensitive, type SensitivityReport, sweepSensitivity, type UnitResult } from "./sensitivity.ts";
import { countingEngine, testImages, testInput } from "./test-engine.ts";

const W4A4 = { weightBits: 4, activationBits: 4, weightGranularity: "per-tensor" } as const;
const BLOCKS = 6;

async function last(reports: AsyncGenerator<SensitivityReport>): Promise<SensitivityReport> {
  let report: SensitivityReport | undefined;
  for await (report of reports);
  return report!;
}

describe("a sweep", () => {
  let made: Awaited<ReturnType<typeof countingEngine>>;
  beforeAll(async () => {
    made = await countingEngine(BLOCKS);
  });

  it("over blocks costs L + L (L + 1) / 2 block runs an image: the FP blocks before come from the cache", async () => {
    const { engine, count } = made;
    const before = count.blockRuns;
    await last(sweepSensitivity(engine, testImages(2), { quantize: W4A4, by: "block" }));
    expect(count.blockRuns - before).toBe(2 * (BLOCKS + (BLOCKS * (BLOCKS + 1)) / 2));
  });

  it("measures each unit as a run with only that unit quantized, and the FP maxima beside it", async () => {
    const { engine } = made;
    const report = await last(sweepSensitivity(engine, testImages(1), { quantize: W4A4, by: "linear" }));
    expect(report.units).toHaveLength(4 * BLOCKS);
    expect(report).toMatchObject({ n: 1, total: 1, head: null, fp32: null });
    const fp = await collect(engine.run(testInput(0), NO_INTERVENTION));
    const alone = { ...NO_INTERVENTION, quantize: { ...W4A4, blocks: [3], linears: ["fc2" as const] } };
    const fc2 = await collect(engine.run(testInput(0), alone));
    const unit = report.units.find(({ block, linear }) => block === 3 && linear === "fc2")!;
    expect(unit.mse).toBeCloseTo(meanSquaredError(fc2.result.feature, fp.result.feature), 12);
    expect(unit.accuracy).toBeNull();
    expect(report.blocks[3]!.fc2Input.max).toBe(Math.max(...fp.traces[3]!.inputs.fc2));
    expect(report.blocks[3]!.residual.max).toBe(Math.max(...fp.traces[3]!.residual.linf));
  });

  it("reads accuracy by the head where there are labels", async () => {
    const head = {
      describe: "sign",
      classify: ({ feature }: { feature: Float32Array }) => +(feature[0]! > 0),
    };
    const report = await last(
      sweepSensitivity(made.engine, testImages(3), { quantize: W4A4, by: "block", head }),
    );
    expect(report.head).toBe("sign");
    expect(report.fp32!.correct).toBeLessThanOrEqual(3);
    for (const { accuracy } of report.units) expect(accuracy!.top1).toBe(accuracy!.correct / 3);
    const unlabelled = { ...testImages(1), label: null };
    const labelFree = await last(
      sweepSensitivity(made.engine, unlabelled, { quantize: W4A4, by: "block", head }),
    );
    expect(labelFree.head).toBeNull();
  });

  it("stops when it is cancelled", async () => {
    const signal = AbortSignal.abort();
    const sweep = last(sweepSensitivity(made.engine, testImages(1), { quantize: W4A4, by: "block", signal }));
    await expect(sweep).rejects.toThrow(CancelledError);
  });
});

describe("the most sensitive unit", () => {
  const unit = (block: number, mse: number, top1: number | null): UnitResult => ({
    block,
    linear: null,
    mse,
    cosine: 1,
    accuracy:
      top1 === null
        ? null
        : { correct: 0, top1, interval: [0, 1], difference: { value: 0, interval: [0, 0] } },
  });

  it("is the largest accuracy drop, ties by feature error; label-free by feature error", () => {
    expect(mostSensitive([unit(0, 9, 0.8), unit(1, 1, 0.5), unit(2, 2, 0.5)]).block).toBe(2);
    expect(mostSensitive([unit(0, 1, null), unit(1, 9, null), unit(2, 2, null)]).block).toBe(1);
  });
});
