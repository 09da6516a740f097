import { z } from "zod";
import { REGISTER_SLOTS } from "../graph/block.ts";
import { KEEPS } from "../image/mask.ts";
import { deletionSchema } from "./deletion.ts";
import { quantizationSchema } from "./quantization.ts";
import { testTimeRegisterSchema } from "./test-time-register.ts";

export type { Deletion } from "./deletion.ts";
export { type Quantization, quantizationSchema } from "./quantization.ts";

/**
 * All that a user can do to a run, as one immutable value. It serialises to the URL and to results files,
 * and it is the cache key of a run.
 */

const blockIndex = z.int().min(0);

/** RegCache's prefix: cached register keys and values, in blocks `from`..`to` (paper, step 3). */
export const prefixSchema = z.strictObject({
  /** Id of the registers file (see regcache/registers.ts). */
  registers: z.string().min(1),
  /** First block with the prefix, 0-based. */
  from: blockIndex,
  /** Last block with the prefix, 0-based, inclusive. */
  to: blockIndex,
  /** tau, copies of the register; real-valued, because tau copies equal one key with + ln(tau) on its logit. */
  count: z.number().gt(0).max(1024),
  /** How many of the file's distinct registers, the first so many, each `count` times; absent = 1. */
  distinct: z.int().min(1).max(REGISTER_SLOTS).optional(),
});

export const interventionSchema = z.strictObject({
  prefix: prefixSchema.nullable().default(null),
  delete: deletionSchema.nullable().default(null),
  quantize: quantizationSchema.nullable().default(null),
  /** The part of the image that stays, the other one zeroed after normalisation; absent = all (paper, Figure 4). */
  mask: z.enum(KEEPS).optional(),
  /** A comparison of the paper's: outliers are moved to a token of their own (2506.08010); absent = none. */
  testTimeRegister: testTimeRegisterSchema.optional(),
});

export type Prefix = z.infer<typeof prefixSchema>;
export type Intervention = Readonly<z.infer<typeof interventionSchema>>;

/** The unmodified encoder. */
export const NO_INTERVENTION: Intervention = Object.freeze({ prefix: null, delete: null, quantize: null });
