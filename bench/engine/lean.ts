import type { Engine } from "../../src/engine/types.ts";
import { NO_INTERVENTION, type Quantization } from "../../src/intervention/intervention.ts";
import type { LeanTimes } from "./measures.ts";

/** Milliseconds of `work`, into a list; null = of a warm-up, which is not kept. */
export async function timed<T>(into: number[] | null, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  into?.push(performance.now() - started);
  return result;
}

const int8 = {
  weightBits: 8,
  activationBits: 8,
  weightGranularity: "per-tensor",
  arithmetic: "int8",
} as const;

/** By where the ranges of the activations come from. */
export const INTEGER: Readonly<Record<"dynamic" | "static", Quantization>> = {
  dynamic: int8,
  static: { ...int8, range: { kind: "static", statistic: "min-max" }, calibration: "one image" },
};

/** Lets static ranges come from the image itself: the values of the grid take no part in its time. */
export function calibrate(engine: Engine, pixels: Float32Array): void {
  engine.addCalibration({
    id: "one image",
    count: 1,
    load: async () => ({ id: "calibration", pixels }),
  });
}

/** One image's results by what evaluation runs, FP32 and int8 in turn. @param into null for a warm-up */
export async function runLean(
  engine: Engine,
  pixels: Float32Array,
  round: number,
  into: LeanTimes | null,
): Promise<Float32Array> {
  // Under names of their own: nothing may come from a cache.
  const { feature } = await timed(into?.fp32 ?? null, () =>
    engine.result({ id: `${round}, lean`, pixels }, NO_INTERVENTION),
  );
  for (const [range, quantize] of Object.entries(INTEGER)) {
    const input = { id: `${round}, lean, ${range}`, pixels };
    await timed(into?.int8[range as keyof typeof INTEGER] ?? null, () =>
      engine.result(input, { ...NO_INTERVENTION, quantize }),
    );
  }
  return feature;
}
