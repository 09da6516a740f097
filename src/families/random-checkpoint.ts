import { allocateSafetensors, type TensorLayout } from "../checkpoint/safetensors.ts";

/** Shape of a random checkpoint in timm's ViT names; what is left out gets the default in brackets. */
export interface RandomCheckpointOptions {
  /** D [64] */
  readonly width?: number;
  /** [2] */
  readonly blocks?: number;
  /** [D / 64, at least 1] */
  readonly heads?: number;
  /** fc1's output over D [4] */
  readonly mlpRatio?: number;
  /** Side of a patch, pixels [4] */
  readonly patch?: number;
  /** Patches along a side [4] */
  readonly grid?: number;
  /** [true] */
  readonly cls?: boolean;
  /** Trained registers [0] */
  readonly registers?: number;
  /** `pos_embed` has rows for patches only [false] */
  readonly noEmbedClass?: boolean;
  /** Outputs of the head, 0 = no head [10] */
  readonly classes?: number;
  /** ["token" with CLS, else "avg"] */
  readonly pool?: "token" | "avg";
  /** `fc_norm` after pooling in place of `norm` [false] */
  readonly fcNorm?: boolean;
  /** [false] */
  readonly layerScale?: boolean;
  /** [true] */
  readonly qkvBias?: boolean;
  /** `norm_pre` before block 0 [false] */
  readonly preNorm?: boolean;
  /** [1] */
  readonly seed?: number;
}

/** ViT-B/16 at 224 pixels: 86 M parameters, 344 MB. */
export const VIT_B16: RandomCheckpointOptions = {
  width: 768,
  blocks: 12,
  heads: 12,
  patch: 16,
  grid: 14,
  classes: 1000,
};

/**
 * A checkpoint with random weights, for tests and benchmarks: `bytes` of model.safetensors and the object of
 * its config.json (timm's hub format). Weights are uniform with variance 1 / fan-in (so activations neither
 * vanish nor explode), LayerNorms near identity; equal options give equal bytes.
 */
export function randomCheckpoint(options: RandomCheckpointOptions = {}): {
  bytes: Uint8Array<ArrayBuffer>;
  config: Record<string, unknown>;
} {
  const o = withDefaults(options);
  const { bytes, views } = allocateSafetensors(timmVitLayout(o), { format: "pt" });
  const uniform = mulberry32(o.seed);
  for (const { name, shape } of timmVitLayout(o)) {
    const [centre, deviation] = distribution(name, shape);
    const half = deviation * Math.sqrt(3);
    const data = views.get(name)!;
    for (let i = 0; i < data.length; i++) data[i] = centre + half * (2 * uniform() - 1);
  }
  return { bytes, config: timmConfig(o) };
}

/** Uniform numbers in [0, 1) from a 32-bit seed (Tommy Ettinger's mulberry32, public domain). */
export function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Complete = Required<RandomCheckpointOptions>;

function withDefaults(o: RandomCheckpointOptions): Complete {
  const width = o.width ?? 64;
  const cls = o.cls ?? true;
  return {
    width,
    blocks: o.blocks ?? 2,
    heads: o.heads ?? Math.max(1, Math.floor(width / 64)),
    mlpRatio: o.mlpRatio ?? 4,
    patch: o.patch ?? 4,
    grid: o.grid ?? 4,
    cls,
    registers: o.registers ?? 0,
    noEmbedClass: o.noEmbedClass ?? false,
    classes: o.classes ?? 10,
    pool: o.pool ?? (cls ? "token" : "avg"),
    fcNorm: o.fcNorm ?? false,
    layerScale: o.layerScale ?? false,
    qkvBias: o.qkvBias ?? true,
    preNorm: o.preNorm ?? false,
    seed: o.seed ?? 1,
  };
}

function timmVitLayout(o: Complete): TensorLayout[] {
  const D = o.width;
  const M = Math.round(D * o.mlpRatio);
  const layout: TensorLayout[] = [];
  const add = (name: string, ...shape: number[]) => layout.push({ name, shape });
  const pair = (name: string, ...shape: number[]) => {
    add(`${name}.weight`, ...shape);
    add(`${name}.bias`, shape[0]!);
  };
  const leading = (o.cls ? 1 : 0) + o.registers;
  if (o.cls) add("cls_token", 1, 1, D);
  if (o.registers > 0) add("reg_token", 1, o.registers, D);
  add("pos_embed", 1, o.grid * o.grid + (o.noEmbedClass ? 0 : leading), D);
  pair("patch_embed.proj", D, 3, o.patch, o.patch);
  if (o.preNorm) pair("norm_pre", D);
  for (let b = 0; b < o.blocks; b++) {
    const block = `blocks.${b}`;
    pair(`${block}.norm1`, D);
    add(`${block}.attn.qkv.weight`, 3 * D, D);
    if (o.qkvBias) add(`${block}.attn.qkv.bias`, 3 * D);
    pair(`${block}.attn.proj`, D, D);
    if (o.layerScale) add(`${block}.ls1.gamma`, D);
    pair(`${block}.norm2`, D);
    pair(`${block}.mlp.fc1`, M, D);
    pair(`${block}.mlp.fc2`, D, M);
    if (o.layerScale) add(`${block}.ls2.gamma`, D);
  }
  pair(o.fcNorm ? "fc_norm" : "norm", D);
  if (o.classes > 0) pair("head", o.classes, D);
  return layout;
}

/** Mean and standard deviation of a tensor's elements. */
function distribution(name: string, shape: readonly number[]): [number, number] {
  if (/norm\w*\.weight$/.test(name)) return [1, 0.1];
  if (name.endsWith(".gamma")) return [0.5, 0.1];
  if (name.endsWith(".bias")) return [0, 0.1];
  if (name.endsWith("_token") || name === "pos_embed") return [0, 0.5];
  return [0, 1 / Math.sqrt(shape.slice(1).reduce((product, side) => product * side, 1))];
}

function timmConfig(o: Complete): Record<string, unknown> {
  const size = o.grid * o.patch;
  return {
    architecture: `vit_random_patch${o.patch}_${size}`,
    num_classes: o.classes,
    num_features: o.width,
    global_pool: o.pool,
    model_args: {
      img_size: size,
      patch_size: o.patch,
      embed_dim: o.width,
      depth: o.blocks,
      num_heads: o.heads,
      mlp_ratio: o.mlpRatio,
      class_token: o.cls,
      reg_tokens: o.registers,
      no_embed_class: o.noEmbedClass,
    },
    pretrained_cfg: {
      input_size: [3, size, size],
      interpolation: "bicubic",
      crop_pct: 0.9,
      crop_mode: "center",
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    },
  };
}
