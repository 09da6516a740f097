/**
 * What a vision encoder is, after its family has read the checkpoint: the shapes, and how its pixels are
 * prepared. Everything downstream (graphs, engine, RegCache, figures) reads this and no file format.
 */

/** How an image becomes the encoder's pixels; the steps of torchvision's, timm's and HF's evaluation transforms. */
export interface PreprocessSpec {
  /** Side of the square input, pixels. */
  readonly size: number;
  /** `shortest-edge`: scale the shorter side to `resize`; `squash`: scale both sides to it. Then centre crop. */
  readonly mode: "shortest-edge" | "squash";
  /** Target of the shorter side (`squash`: of both sides) before the crop, pixels. */
  readonly resize: number;
  readonly interpolation: "bicubic" | "bilinear";
  /** Odd margins of the centre crop: rounded half to even as torchvision does (default), or down as HF's processors do. */
  readonly crop?: "torchvision" | "hf";
  /** Per-channel mean and standard deviation, of values scaled to [0, 1]. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Non-linearities of an MLP that keep its width. */
export type Elementwise = "gelu" | "gelu_tanh" | "quick_gelu";

export interface EncoderSpec {
  /** Row of the families table that read the checkpoint, e.g. `timm-vit`. */
  readonly family: string;
  /** Name for people, e.g. the architecture of the config or the file's name. */
  readonly label: string;
  /** L, number of transformer blocks. */
  readonly blocks: number;
  /** D, width of the residual stream. */
  readonly width: number;
  readonly heads: number;
  /** Hidden width of the MLP: fc2's input. fc1's output too, unless it is gated (see {@link fc1Width}). */
  readonly mlpWidth: number;
  /** Side of one patch, pixels. */
  readonly patch: number;
  /** Patches along one side of the (square) image. */
  readonly grid: number;
  /** Whether row 0 is a CLS token. */
  readonly hasCls: boolean;
  /** Trained registers that follow CLS. */
  readonly trainedRegisters: number;
  /** T, all tokens before deletion: CLS + trained registers + grid². */
  readonly tokens: number;
  readonly layerNormEps: number;
  /** `swiglu` (2002.05202): fc1 has the gate's rows before the values', and fc2 reads silu(gate) * value. */
  readonly activation: Elementwise | "swiglu";
  /** `map` = SigLIP's attention pooling. */
  readonly pooling: "cls" | "mean" | "map";
  /** Outputs of the checkpoint's own classification head; 0 when there is none. */
  readonly classes: number;
  /** Names of those classes where the config gives them. */
  readonly classNames: readonly string[] | null;
  readonly preprocess: PreprocessSpec;
  /** What had to be assumed because the checkpoint did not say it; shown to the user. */
  readonly assumptions: readonly string[];
  /** How the outliers came to be where the config says it (e.g. "implanted, then fine-tuned"); null = not stated. */
  readonly outlierOrigin: string | null;
}

/** Outputs of fc1: the MLP's hidden width, and as many again where a gate stands beside the values. */
export function fc1Width({ mlpWidth, activation }: Pick<EncoderSpec, "mlpWidth" | "activation">): number {
  return activation === "swiglu" ? 2 * mlpWidth : mlpWidth;
}

/** Rows before the first patch token. */
export function leadingTokens(spec: Pick<EncoderSpec, "hasCls" | "trainedRegisters">): number {
  return (spec.hasCls ? 1 : 0) + spec.trainedRegisters;
}

/** Token index of CLS, trained register or patch -> what it is, for labels. */
export function tokenKind(
  spec: Pick<EncoderSpec, "hasCls" | "trainedRegisters">,
  token: number,
): "cls" | "register" | "patch" {
  if (spec.hasCls && token === 0) return "cls";
  return token < leadingTokens(spec) ? "register" : "patch";
}
