import { z } from "zod";
import { LINEARS } from "../encoder/weights.ts";

/**
 * How the inputs and weights of qkv, proj, fc1 and fc2 are quantized, and optionally the attention matmuls; all else stays FP. Absent fields mean the paper's naive
 * quantizer: simulated, symmetric, per-tensor, dynamic min-max of every image, round to nearest.
 */

/** Images that a range per batch is taken over; more of them do not fit beside a large encoder's activations. */
export const BATCH_SIZES = { least: 2, most: 64 } as const;

/** Percentiles that a static range may be taken at; each is the mean over the calibration images of that image's own. */
export const PERCENTILES = [99, 99.9, 99.99, 99.999] as const;
export type Percentile = (typeof PERCENTILES)[number];

const bits = z.int().min(2).max(8);
const positive = z.number().gt(0).max(1e6);
const areDistinct = (values: readonly unknown[]) => new Set(values).size === values.length;

/** Where an activation's range comes from. */
const rangeSchema = z.discriminatedUnion("kind", [
  /** Of the tensor itself, image by image. */
  z.strictObject({ kind: z.literal("dynamic") }),
  /** Of the tensors of so many images, which run together (batch.ts). */
  z.strictObject({
    kind: z.literal("dynamic-batch"),
    batch: z.int().min(BATCH_SIZES.least).max(BATCH_SIZES.most),
  }),
  /** Of the calibration images, fixed before the run. */
  z.discriminatedUnion("statistic", [
    z.strictObject({ kind: z.literal("static"), statistic: z.literal("min-max") }),
    /** Of |x| (symmetric), or of both tails (asymmetric). */
    z.strictObject({
      kind: z.literal("static"),
      statistic: z.literal("percentile"),
      percentile: z.literal(PERCENTILES),
    }),
  ]),
]);

/** Bounds on the range; what lies outside it is clipped (the paper's clipping comparison). */
const clipSchema = z.discriminatedUnion("kind", [
  /** The range times `ratio`. */
  z.strictObject({ kind: z.literal("ratio"), ratio: z.number().gt(0).max(1) }),
  /** The range within +-`limit`, in the units of the activation. */
  z.strictObject({ kind: z.literal("absolute"), limit: positive }),
]);

/**
 * Tokens whose L-inf at a linear's input exceeds `above` are left out of the per-tensor range and keep their FP value (the
 * paper's diagnostic "outliers excluded": it shows what the rest would lose without them, it is no quantizer).
 */
const excludeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("absolute"), above: positive }),
  /** `above` times the median over the tokens of that tensor's L-inf (PrefixQuant 2410.05265: 64). */
  z.strictObject({ kind: z.literal("ratio"), above: z.number().min(1).max(1e6) }),
]);

const fields = z.strictObject({
  weightBits: bits,
  activationBits: bits,
  /** Symmetric min-max weights, round to nearest, one scale a tensor or one an output channel. */
  weightGranularity: z.enum(["per-tensor", "per-channel"]).default("per-tensor"),
  /** Blocks that are quantized, 0-based; absent = all. The rest stays FP (paper, step 1). */
  blocks: z.array(z.int().min(0)).min(1).refine(areDistinct, "each block once").optional(),
  /** Linears that are quantized; absent = all four. */
  linears: z.array(z.enum(LINEARS)).min(1).refine(areDistinct, "each linear once").optional(),
  /**
   * `simulated` (default): rounding in fp32, as in the paper's accuracies. `int8`: ORT's integer kernels, u8 activations and
   * s8 weights, as deployed: CPU backends only.
   */
  arithmetic: z.enum(["simulated", "int8"]).optional(),
  activationScheme: z.enum(["symmetric", "asymmetric"]).optional(),
  /** One range for the whole tensor, or one for each token's row. */
  activationGranularity: z.enum(["per-tensor", "per-token"]).optional(),
  range: rangeSchema.optional(),
  /** Id of the images that static ranges, SmoothQuant and the calibrated bases are calibrated on. */
  calibration: z.string().min(1).optional(),
  clip: clipSchema.optional(),
  excludeOutliers: excludeSchema.optional(),
  /** SmoothQuant (2211.10438): moves a share alpha of the LayerNorm outputs' range into the weights of qkv and fc1. */
  smoothQuant: z.strictObject({ alpha: z.number().min(0).max(1) }).optional(),
  /**
   * Also the attention matmuls: q, k, v and the softmax output, the prefix slot's among them. PTQ4ViT and RepQ-ViT bring their own
   * softmax quantizers. Absent: attention stays FP, as in the paper's naive setting.
   */
  attention: z.literal(true).optional(),
  /** The quantizer that the rest is built on; PTQ4ViT (2111.12293) and RepQ-ViT (2212.08254) set scheme and range themselves. */
  base: z.enum(["rtn", "ptq4vit", "repq-vit"]).optional(),
  /**
   * What PTQ4ViT's scales are searched by: the error of the linears' outputs (default), or that weighed with the diagonal of the
   * feature's Gauss-Newton Hessian at them.
   */
  scaleSearch: z.enum(["output-error", "hessian"]).optional(),
});

export type Quantization = z.infer<typeof fields>;

/** Simulated or integer quantization. Combinations that contradict each other are refused, not reinterpreted. */
export const quantizationSchema = fields.superRefine((value, context) => {
  for (const { path, message } of contradictions(value)) {
    context.addIssue({ code: "custom", path: [path], message });
  }
});

function* contradictions(q: Quantization): Generator<{ path: keyof Quantization; message: string }> {
  const isStatic = q.range?.kind === "static";
  const isPerBatch = q.range?.kind === "dynamic-batch";
  if (q.activationGranularity === "per-token") {
    if (isStatic) yield { path: "range", message: "ranges per token are dynamic" };
    if (isPerBatch) yield { path: "range", message: "a token's own range is the same in every batch" };
    if (q.excludeOutliers) {
      yield {
        path: "excludeOutliers",
        message: "outliers are left out of a per-tensor range, not of per-token ones",
      };
    }
  }
  if (isPerBatch && q.excludeOutliers?.kind === "ratio") {
    yield {
      path: "excludeOutliers",
      message: "a ratio is to the median of one image's tokens; in a batch give an absolute limit",
    };
  }
  if (q.scaleSearch && q.base !== "ptq4vit") {
    yield { path: "scaleSearch", message: "only PTQ4ViT searches scales" };
  }
  if (q.attention) {
    if (q.activationGranularity === "per-token") {
      yield { path: "attention", message: "scales per token do not leave the attention's sum over tokens" };
    }
    if (q.excludeOutliers) {
      yield { path: "attention", message: "tokens are left out of the linears' inputs, not of attention" };
    }
    if (q.arithmetic === "int8") {
      yield { path: "attention", message: "the int8 kernels have the linears only" };
    }
  }
  if (isStatic && q.excludeOutliers) {
    yield {
      path: "excludeOutliers",
      message: "outliers are left out of dynamic ranges; a static one has a percentile",
    };
  }
  if (q.range?.kind === "static" && q.range.statistic === "percentile" && q.smoothQuant) {
    yield { path: "range", message: "percentiles of a smoothed tensor are not calibrated: use min-max" };
  }
  if (q.base !== undefined && q.base !== "rtn") {
    for (const path of BASE_SETS) {
      if (q[path] !== undefined) yield { path, message: `${q.base} sets this itself: leave it out` };
    }
  }
  if (q.arithmetic === "int8") {
    if (q.weightBits !== 8 || q.activationBits !== 8) {
      yield { path: "arithmetic", message: "int8 has 8 bits for weights and activations" };
    }
    for (const path of INT8_LACKS) {
      if (q[path] !== undefined && !NAIVE[path]?.includes(q[path] as string)) {
        yield { path, message: "the int8 kernels have per-tensor activations and no exceptions" };
      }
    }
  }
}

const BASE_SETS = [
  ...["activationScheme", "activationGranularity", "range", "clip", "excludeOutliers", "smoothQuant"],
] as (keyof Quantization)[];
const INT8_LACKS = ["activationGranularity", "excludeOutliers", "base"] as const;
/** Values that int8 does have. */
const NAIVE: Partial<Record<keyof Quantization, readonly string[]>> = {
  activationGranularity: ["per-tensor"],
  base: ["rtn"],
};
