import type { Safetensors } from "../checkpoint/safetensors.ts";
import { transposed } from "../encoder/linears.ts";
import type { TextHeadWeights, TextPooling, TextSpec, TextTower, TextWeights } from "../encoder/text.ts";
import { InputError } from "../errors/input-error.ts";
import { countBlocks, matrixShape, readLinear, readNorm, readScale } from "./parts.ts";
import { checkTextSizes, type OpenClipConfig, parseOpenClipConfig } from "./text-config.ts";

/** OpenCLIP's `CLIP` keeps the text tower at the top level, its `CustomTextCLIP` under `text.`. */
const ROOTS = ["", "text."];

function rootOf(file: Safetensors): string | undefined {
  return ROOTS.find((root) => file.tensors.has(`${root}token_embedding.weight`));
}

/** Whether the file holds a text tower in OpenCLIP's names. */
export function isOpenClipText(file: Safetensors): boolean {
  return rootOf(file) !== undefined;
}

/**
 * Text tower of OpenCLIP (open_clip/transformer.py, `TextTransformer`): the towers of its CLIP and SigLIP models.
 * @throws InputError when names, shapes and config do not fit together
 */
export function openOpenClipText(file: Safetensors, config: unknown): TextTower {
  const root = rootOf(file)!;
  const model = parseOpenClipConfig(config);
  const stated = model?.text_cfg;
  const [vocabulary, width] = matrixShape(file, `${root}token_embedding.weight`);
  const [context] = matrixShape(file, `${root}positional_embedding`);
  const [mlpWidth] = matrixShape(file, `${root}transformer.resblocks.0.mlp.c_fc.weight`);
  const blocks = countBlocks(file, `${root}transformer.resblocks.`, ".mlp.c_fc.weight");
  // A parameter [D, E] for CLIP, an nn.Linear with [E, D] and a bias for SigLIP.
  const isLinear = file.tensors.has(`${root}text_projection.weight`);
  const projection = `${root}text_projection${isLinear ? ".weight" : ""}`;
  const embedding = matrixShape(file, projection)[isLinear ? 0 : 1];
  checkTextSizes("open_clip_config.json, model_cfg", [
    ["embed_dim", model?.embed_dim, embedding],
    ["text_cfg.vocab_size", stated?.vocab_size, vocabulary],
    ["text_cfg.width", stated?.width, width],
    ["text_cfg.layers", stated?.layers, blocks],
    ["text_cfg.context_length", stated?.context_length, context],
    ["text_cfg.mlp_ratio (MLP width)", stated?.mlp_ratio && Math.trunc(stated.mlp_ratio * width), mlpWidth],
  ]);
  const isSiglip = file.tensors.has("logit_bias");
  const assumptions =
    model === null
      ? [`text tower: erf GELU, ${width / 64} heads (64 channels each), no open_clip_config.json`]
      : [];
  const spec: TextSpec = {
    layout: "OpenCLIP",
    blocks,
    width,
    heads: readHeads(stated, width),
    mlpWidth,
    vocabulary,
    context,
    layerNormEps: stated?.norm_kwargs?.eps ?? 1e-5,
    activation: model?.quick_gelu
      ? "quick_gelu"
      : stated?.act_kwargs?.approximate === "tanh"
        ? "gelu_tanh"
        : "gelu",
    causal: !(stated?.no_causal_mask ?? isSiglip),
    pooling: readPooling(stated, isSiglip),
    embedding,
    scoring: isSiglip ? "sigmoid" : "softmax",
    cleaning: stated?.tokenizer_kwargs?.clean === "canonicalize" || isSiglip ? "canonicalize" : "none",
    assumptions,
  };
  return { spec, weights: openClipWeights(file, root, spec, isLinear) };
}

function readHeads(stated: OpenClipConfig["text_cfg"] | undefined, width: number): number {
  const heads = stated ? (stated.heads ?? 8) : width / 64;
  if (Number.isInteger(heads) && width % heads === 0) return heads;
  throw new InputError(
    "Text tower, number of attention heads",
    `a divisor of the width ${width}`,
    String(heads),
    "Put the open_clip_config.json of this very checkpoint beside it.",
  );
}

function readPooling(stated: OpenClipConfig["text_cfg"] | undefined, isSiglip: boolean): TextPooling {
  const kind = stated?.pool_type ?? (isSiglip ? "last" : "argmax");
  if (kind === "argmax") return { kind: "largest-id" };
  return kind === "last" ? { kind: "last" } : { kind: "token", id: stated?.eos_id ?? 2 };
}

function openClipWeights(file: Safetensors, root: string, spec: TextSpec, isLinear: boolean): TextWeights {
  const { width: D, mlpWidth: M, embedding: E } = spec;
  const readProjection = async (): Promise<TextHeadWeights["projection"]> => {
    const name = `${root}text_projection`;
    if (isLinear) return readLinear(file, name, E, D, file.tensors.has(`${name}.bias`));
    return { weight: transposed(await file.read(name, [D, E]), D, E), bias: null, out: E, in: D };
  };
  return {
    tokens: (ids) => file.readRows(`${root}token_embedding.weight`, ids, [spec.vocabulary, D]),
    positions: () => file.read(`${root}positional_embedding`, [spec.context, D]),
    async block(index) {
      const at = `${root}transformer.resblocks.${index}`;
      return {
        norm1: await readNorm(file, `${at}.ln_1`, D),
        qkv: {
          weight: await file.read(`${at}.attn.in_proj_weight`, [3 * D, D]),
          bias: await file.read(`${at}.attn.in_proj_bias`, [3 * D]),
          out: 3 * D,
          in: D,
        },
        proj: await readLinear(file, `${at}.attn.out_proj`, D, D),
        scale1: null,
        norm2: await readNorm(file, `${at}.ln_2`, D),
        fc1: await readLinear(file, `${at}.mlp.c_fc`, M, D),
        fc2: await readLinear(file, `${at}.mlp.c_proj`, D, M),
        scale2: null,
      };
    },
    async head() {
      return { norm: await readNorm(file, `${root}ln_final`, D), projection: await readProjection() };
    },
    scale: () => readScale(file),
  };
}
