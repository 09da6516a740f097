import type { EncoderSpec } from "../encoder/spec.ts";
import type { HeadWeights } from "../encoder/weights.ts";
import { InputError } from "../errors/input-error.ts";
import { canonicalWeights } from "./canonical.ts";
import { checkTensors } from "./check-tensors.ts";
import type { Family } from "./family.ts";
import { gridAt, positionResize, squareGrid } from "./grid.ts";
import { checkAgreement, type HfVision, parseHfConfig, readActivation } from "./hf-config.ts";
import { hfPreprocess, type ProcessorDefaults } from "./hf-preprocess.ts";
import { type EncoderNames, weightOf } from "./names.ts";
import { epsilon } from "./overrides.ts";
import type { Resampling } from "./positions.ts";
import { expectedTensors, readSizes, type Sizes } from "./sizes.ts";

/** What distinguishes one Transformers architecture from the others. */
export interface HfArchitecture extends Pick<Family, "id" | "title" | "marks"> {
  /** `model_type` of its configs, of the whole model and of the vision part alone. */
  readonly modelTypes: readonly string[];
  /** Defaults of its vision config's class. */
  readonly defaults: HfVision;
  readonly processor: ProcessorDefaults;
  /**
   * Names for a checkpoint whose tensors begin with `prefix`.
   * @param prefix "" or one of `prefixes`
   * @param has whether the checkpoint has a tensor, where names differ between variants
   */
  readonly names: (prefix: string, has: (name: string) => boolean) => EncoderNames;
  /** What a wrapping model (a classifier) puts before the encoder's names. */
  readonly prefixes: readonly string[];
  /** Known tensors that the feature does not need: the text tower, poolers, mask tokens, buffers. */
  readonly others: RegExp;
  /** How it resamples its position embedding for other input sizes. */
  readonly resampling: Resampling;
  /** Rows of the position embedding before the first patch. */
  readonly embeddedLeading: number;
  readonly pooling: (sizes: Sizes) => EncoderSpec["pooling"];
  readonly classifierInput: HeadWeights["classifierInput"];
  /** Anything a user should know about how it is read. */
  readonly notes?: readonly string[];
}

/** The family of a Transformers architecture: config.json + preprocessor_config.json + safetensors. */
export function hfFamily(architecture: HfArchitecture): Family {
  const { id, title, marks } = architecture;
  const remedy = `Choose the model.safetensors of a ${title} checkpoint.`;
  const open: Family["open"] = (weights, configs, overrides) => {
    const has = (name: string) => weights.tensors.has(name);
    const names = architecture.names(prefixOf(architecture, has), has);
    const sizes = readSizes(weights, names, remedy);
    checkTensors(
      weights,
      expectedTensors(weights, names, sizes),
      (name) => architecture.others.test(name),
      remedy,
    );
    const assumptions: string[] = [...(architecture.notes ?? [])];
    const assume = (text: string) => assumptions.push(text);
    const subject = `${weights.name}, tensor ${names.positions.name}`;
    const { grid: native } = squareGrid(subject, sizes.positions, [architecture.embeddedLeading]);

    const config =
      configs.config == null
        ? null
        : parseHfConfig(configs.config, architecture.modelTypes, architecture.defaults);
    if (config) checkAgreement(config, sizes, native);
    const vision = config?.vision ?? withoutConfig(architecture.defaults, sizes, native, assume);
    const preprocess = hfPreprocess(
      configs.preprocessor ?? null,
      architecture.processor,
      nativeSize(vision, sizes, native),
      overrides,
      assume,
    );
    const grid = gridAt(preprocess.size, sizes.patch);
    // Usual for DINOv2; elsewhere it may be the wrong file, so it is said.
    if (grid !== native && overrides.inputSize == null) {
      assume(
        `inputs of ${preprocess.size} pixels (preprocessor_config.json): position embedding interpolated from ${native} x ${native} patches`,
      );
    }
    const spec: EncoderSpec = {
      family: id,
      label: config?.label ?? weights.name,
      blocks: sizes.blocks,
      width: sizes.width,
      heads: headsOf(vision, sizes),
      mlpWidth: sizes.mlpWidth,
      patch: sizes.patch,
      grid,
      hasCls: sizes.hasCls,
      trainedRegisters: sizes.registers,
      tokens: grid * grid + (sizes.hasCls ? 1 : 0) + sizes.registers,
      layerNormEps: epsilon(overrides.layerNormEps ?? vision.layer_norm_eps!),
      activation: names.block.gated ? "swiglu" : readActivation(vision),
      pooling: architecture.pooling(sizes),
      classes: sizes.classes,
      classNames: sizes.classes > 0 ? (config?.classNames ?? null) : null,
      preprocess,
      assumptions,
      outlierOrigin: config?.outlierOrigin ?? null,
    };
    const canonical = canonicalWeights(weights, names, sizes, {
      embeddedLeading: architecture.embeddedLeading,
      resize: positionResize(native, grid, architecture.resampling),
      normAfterPool: false,
      classifierInput: architecture.classifierInput,
    });
    return { spec, weights: canonical };
  };
  return { id, title, marks, open };
}

function prefixOf({ names, prefixes }: HfArchitecture, has: (name: string) => boolean): string {
  return prefixes.find((prefix) => has(weightOf(names(prefix, has).patch))) ?? "";
}

/** Without a config the tensors give the sizes, and the class' defaults the rest. */
function withoutConfig(
  defaults: HfVision,
  sizes: Sizes,
  grid: number,
  assume: (text: string) => void,
): HfVision {
  const heads = sizes.width / 64;
  assume(`${heads} heads (64 channels each)`);
  assume(
    `LayerNorm epsilon ${defaults.layer_norm_eps!.toExponential()} and ${defaults.hidden_act} (no config.json)`,
  );
  return { ...defaults, num_attention_heads: heads, image_size: grid * sizes.patch, patch_size: sizes.patch };
}

/** The config's image_size where it is one number; it need not be a multiple of the patch. */
function nativeSize(vision: HfVision, sizes: Sizes, grid: number): number {
  const size = Array.isArray(vision.image_size) ? vision.image_size[0] : vision.image_size;
  return size ?? grid * sizes.patch;
}

function headsOf(vision: HfVision, { width }: Sizes): number {
  const heads = vision.num_attention_heads!;
  if (Number.isInteger(heads) && width % heads === 0) return heads;
  throw new InputError(
    "config.json, num_attention_heads",
    `a divisor of the width ${width}`,
    String(heads),
    "Put the config.json of this very checkpoint beside model.safetensors.",
  );
}
