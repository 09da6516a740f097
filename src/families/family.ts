import type { Safetensors } from "../checkpoint/safetensors.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import type { EncoderWeights } from "../encoder/weights.ts";
import type { ConfigFiles } from "./config-files.ts";
import type { ModelOverrides } from "./overrides.ts";

/** An encoder that its family has read: what it is, and its weights on demand. */
export interface OpenedEncoder {
  readonly spec: EncoderSpec;
  readonly weights: EncoderWeights;
}

/** A tensor's name, or its name and the number of its axes. */
export type Mark = string | { readonly tensor: string; readonly rank: number };

/** One naming scheme of checkpoints, translated into the canonical layout of src/encoder. */
export interface Family {
  /** E.g. `timm-vit`; becomes `EncoderSpec.family`. */
  readonly id: string;
  /** For messages, e.g. "timm VisionTransformer". */
  readonly title: string;
  /**
   * Tensors that every checkpoint of the family has and no other family's; they identify it. Several lists where a
   * bare encoder and one inside a classifier are named differently: one list has to be there whole. With a rank where
   * only the shape tells two families apart.
   */
  readonly marks: readonly (readonly Mark[])[];
  /**
   * Checks names, shapes and configs as a whole, from the header alone.
   * @throws InputError
   */
  open(weights: Safetensors, configs: ConfigFiles, overrides: ModelOverrides): OpenedEncoder;
}
