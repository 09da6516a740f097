import { z } from "zod";
import { InputError } from "../errors/input-error.ts";

/** The text side of the configs that come with vision-language checkpoints; other keys are allowed and ignored. */

const positive = z.int().positive();

/** `text_config` of Transformers' CLIP and SigLIP configs. What it leaves out has the library's default. */
const hfTextSchema = z.object({
  vocab_size: positive.optional(),
  hidden_size: positive.optional(),
  intermediate_size: positive.optional(),
  num_hidden_layers: positive.optional(),
  num_attention_heads: positive.optional(),
  max_position_embeddings: positive.optional(),
  hidden_act: z.enum(["quick_gelu", "gelu", "gelu_pytorch_tanh"]).optional(),
  layer_norm_eps: z.number().positive().max(0.1).optional(),
  eos_token_id: z.int().nonnegative().nullish(),
});
export type HfTextConfig = z.infer<typeof hfTextSchema>;

const hfSchema = z.object({
  model_type: z.string().optional(),
  text_config: hfTextSchema.nullish(),
  /** Configs before Transformers 4.27 repeat it under this name, which wins. */
  text_config_dict: hfTextSchema.nullish(),
});

/** `model_cfg` of open_clip_config.json. */
const openClipSchema = z.object({
  model_cfg: z.object({
    embed_dim: positive.optional(),
    quick_gelu: z.boolean().optional(),
    text_cfg: z.object({
      context_length: positive.optional(),
      vocab_size: positive.optional(),
      width: positive.optional(),
      heads: positive.optional(),
      layers: positive.optional(),
      mlp_ratio: z.number().positive().optional(),
      no_causal_mask: z.boolean().optional(),
      pool_type: z.enum(["argmax", "eos", "last"]).optional(),
      eos_id: z.int().nonnegative().optional(),
      // Variants that change what the weights compute, and that are not built here.
      embed_cls: z.literal(false).optional(),
      hf_model_name: z.null().optional(),
      final_ln_after_pool: z.literal(false).optional(),
      use_pad_mask: z.literal(false).optional(),
      ls_init_value: z.null().optional(),
      act_kwargs: z.object({ approximate: z.enum(["tanh", "none"]).optional() }).nullish(),
      norm_kwargs: z.object({ eps: z.number().positive().max(0.1).optional() }).nullish(),
      tokenizer_kwargs: z.object({ clean: z.string().optional() }).nullish(),
    }),
  }),
});
export type OpenClipConfig = z.infer<typeof openClipSchema>["model_cfg"];

/**
 * The text config of a Transformers config.json; null when there is no config or it says nothing about text.
 * @throws InputError naming the first field that cannot be used
 */
export function parseHfTextConfig(config: unknown): HfTextConfig | null {
  if (config === null || config === undefined) return null;
  const parsed = hfSchema.safeParse(config);
  if (!parsed.success) throw badField(parsed.error, "config.json");
  const { text_config, text_config_dict } = parsed.data;
  return text_config || text_config_dict ? { ...text_config, ...text_config_dict } : null;
}

/**
 * `model_cfg` of an open_clip_config.json; null when the config is none.
 * @throws InputError naming the first field that cannot be used
 */
export function parseOpenClipConfig(config: unknown): OpenClipConfig | null {
  if (!z.object({ model_cfg: z.unknown() }).safeParse(config).data?.model_cfg) return null;
  const parsed = openClipSchema.safeParse(config);
  if (!parsed.success) throw badField(parsed.error, "open_clip_config.json");
  return parsed.data.model_cfg;
}

/** Holds sizes that the config states against the tensors'. @throws InputError */
export function checkTextSizes(
  file: string,
  pairs: readonly (readonly [field: string, stated: number | undefined, tensors: number])[],
): void {
  for (const [field, stated, tensors] of pairs) {
    if (stated === undefined || stated === tensors) continue;
    throw new InputError(
      `${file}, ${field}`,
      `${tensors}, as the tensors of the text tower say`,
      String(stated),
      "Put the config of this very checkpoint beside it.",
    );
  }
}

function badField(error: z.ZodError, file: string): InputError {
  const { path, message } = error.issues[0]!;
  return new InputError(
    `${file}, ${path.join(".")}`,
    "a text tower as CLIP, OpenCLIP or SigLIP have it",
    message,
    "Choose a checkpoint of one of these, with its own config.",
  );
}
