import type { Safetensors } from "../checkpoint/safetensors.ts";
import { stackLinears } from "../encoder/linears.ts";
import type { TextPooling, TextSpec, TextTower, TextWeights } from "../encoder/text.ts";
import { InputError } from "../errors/input-error.ts";
import { countBlocks, matrixShape, readLinear, readNorm, readScale } from "./parts.ts";
import { checkTextSizes, type HfTextConfig, parseHfTextConfig } from "./text-config.ts";

const ACTIVATIONS = { quick_gelu: "quick_gelu", gelu: "gelu", gelu_pytorch_tanh: "gelu_tanh" } as const;
const ROOT = "text_model";
const TOKENS = `${ROOT}.embeddings.token_embedding.weight`;
const POSITIONS = `${ROOT}.embeddings.position_embedding.weight`;

/** Whether the file holds a text tower in the names of Transformers' `CLIPModel` or `SiglipModel`. */
export function isHfText(file: Safetensors): boolean {
  return file.tensors.has(TOKENS);
}

/**
 * Text tower of Transformers' `CLIPModel` (with TinyCLIP) and `SiglipModel` (SigLIP and SigLIP 2, whose `Siglip2Model`
 * names its text tower alike). They differ in mask, pooling, projection and scoring.
 * @throws InputError when names, shapes and config do not fit together
 */
export function openHfText(file: Safetensors, config: unknown): TextTower {
  const stated = parseHfTextConfig(config);
  const isSiglip = file.tensors.has(`${ROOT}.head.weight`);
  const projection = isSiglip ? `${ROOT}.head` : "text_projection";
  const [vocabulary, width] = matrixShape(file, TOKENS);
  const [context] = matrixShape(file, POSITIONS);
  const layer = (index: number) => `${ROOT}.encoder.layers.${index}`;
  const [mlpWidth] = matrixShape(file, `${layer(0)}.mlp.fc1.weight`);
  const [embedding] = matrixShape(file, `${projection}.weight`);
  const blocks = countBlocks(file, `${ROOT}.encoder.layers.`, ".mlp.fc1.weight");
  checkTextSizes("config.json, text_config", [
    ["vocab_size", stated?.vocab_size, vocabulary],
    ["hidden_size", stated?.hidden_size, width],
    ["intermediate_size", stated?.intermediate_size, mlpWidth],
    ["num_hidden_layers", stated?.num_hidden_layers, blocks],
    ["max_position_embeddings", stated?.max_position_embeddings, context],
  ]);

  const assumptions: string[] = [];
  const assume = (text: string) => stated === null && assumptions.push(`text tower: ${text}`);
  const activation = stated?.hidden_act ?? (isSiglip ? "gelu_pytorch_tanh" : "quick_gelu");
  const layerNormEps = stated?.layer_norm_eps ?? (isSiglip ? 1e-6 : 1e-5);
  assume(`${activation}, LayerNorm epsilon ${layerNormEps.toExponential()}`);
  const spec: TextSpec = {
    layout: isSiglip ? "SigLIP (Transformers)" : "CLIP (Transformers)",
    blocks,
    width,
    heads: readHeads(stated, isSiglip, width, assume),
    mlpWidth,
    vocabulary,
    context,
    layerNormEps,
    activation: ACTIVATIONS[activation],
    causal: !isSiglip,
    pooling: isSiglip ? { kind: "last" } : clipPooling(stated),
    embedding,
    scoring: file.tensors.has("logit_bias") ? "sigmoid" : "softmax",
    cleaning: isSiglip ? "siglip" : "none",
    assumptions,
  };
  return { spec, weights: hfWeights(file, spec, projection, isSiglip) };
}

function readHeads(
  stated: HfTextConfig | null,
  isSiglip: boolean,
  width: number,
  assume: (text: string) => void,
): number {
  // The library's default, which a config that equals it may leave out; without a config, 64 channels a head.
  const heads = stated ? (stated.num_attention_heads ?? (isSiglip ? 12 : 8)) : width / 64;
  if (!Number.isInteger(heads) || width % heads !== 0) {
    throw new InputError(
      "Text tower, number of attention heads",
      `a divisor of the width ${width}`,
      String(heads),
      "Put the config.json of this very checkpoint beside it.",
    );
  }
  assume(`${heads} heads (64 channels each)`);
  return heads;
}

/** CLIPTextTransformer.forward: argmax of the ids for the legacy 2, otherwise the first `eos_token_id`. */
function clipPooling(stated: HfTextConfig | null): TextPooling {
  const id = stated?.eos_token_id;
  return id === undefined || id === null || id === 2 ? { kind: "largest-id" } : { kind: "token", id };
}

function hfWeights(file: Safetensors, spec: TextSpec, projection: string, hasBias: boolean): TextWeights {
  const { width: D, mlpWidth: M } = spec;
  return {
    tokens: (ids) => file.readRows(TOKENS, ids, [spec.vocabulary, D]),
    positions: () => file.read(POSITIONS, [spec.context, D]),
    async block(index) {
      const at = `${ROOT}.encoder.layers.${index}`;
      const attention = (name: string) => readLinear(file, `${at}.self_attn.${name}`, D, D);
      return {
        norm1: await readNorm(file, `${at}.layer_norm1`, D),
        qkv: stackLinears([await attention("q_proj"), await attention("k_proj"), await attention("v_proj")]),
        proj: await attention("out_proj"),
        scale1: null,
        norm2: await readNorm(file, `${at}.layer_norm2`, D),
        fc1: await readLinear(file, `${at}.mlp.fc1`, M, D),
        fc2: await readLinear(file, `${at}.mlp.fc2`, D, M),
        scale2: null,
      };
    },
    async head() {
      return {
        norm: await readNorm(file, `${ROOT}.final_layer_norm`, D),
        projection: await readLinear(file, projection, spec.embedding, D, hasBias),
      };
    },
    scale: () => readScale(file),
  };
}
