import { Tokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import type { TextSpec } from "../encoder/text.ts";
import { InputError } from "../errors/input-error.ts";
import { canonicalize } from "./canonicalize.ts";

/** The tokenizer of a text tower. */
export interface TextTokenizer {
  /**
   * Ids of one text with its special tokens, at most the tower's context, not padded.
   * `truncated` = the text was longer, and its end was cut off as the model's own processor does.
   */
  encode(text: string): { readonly ids: readonly number[]; readonly truncated: boolean };
  /** Fills a text up where the tower sees padding. */
  readonly padId: number;
  readonly padSide: "left" | "right";
}

/** Parsed tokenizer.json, and tokenizer_config.json where it lies beside it. */
export interface TokenizerFiles {
  readonly tokenizer: unknown;
  readonly config: unknown;
}

const token = z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]);

const tokenizerSchema = z.looseObject({
  model: z.looseObject({ type: z.string().optional(), vocab: z.unknown() }),
  added_tokens: z.array(z.looseObject({ id: z.int().nonnegative(), content: z.string() })).optional(),
  padding: z.looseObject({ pad_id: z.int().nonnegative() }).nullish(),
});

const configSchema = z.looseObject({
  pad_token: token.nullish(),
  eos_token: token.nullish(),
  bos_token: token.nullish(),
  add_bos_token: z.boolean().nullish(),
  padding_side: z.enum(["left", "right"]).nullish(),
});
type TokenizerConfig = z.infer<typeof configSchema>;

const ADD =
  "Put the tokenizer.json of this very model (and its tokenizer_config.json) beside model.safetensors.";

/** Tables are sometimes padded with unused rows up to a multiple of this. */
const TABLE_PADDING = 128;

/**
 * A tokenizer from the files of the Hub, by @huggingface/tokenizers; it cleans, cuts and ends texts as the processor of
 * the model does.
 * @throws InputError when tokenizer.json is missing or no tokenizer, or when its ids are not the tower's
 */
export function createTokenizer(spec: TextSpec, files: TokenizerFiles | null): TextTokenizer {
  if (!files) throw new InputError("Tokenizer", "a tokenizer.json beside the weights", "none", ADD);
  const json = tokenizerSchema.safeParse(files.tokenizer);
  if (!json.success) throw unusable("tokenizer.json", json.error.issues[0]?.message ?? "something else");
  const config = configSchema.safeParse(files.config ?? {});
  if (!config.success)
    throw unusable("tokenizer_config.json", config.error.issues[0]?.message ?? "something else");
  const library = construct(files.tokenizer as object, config.data);
  checkVocabulary(spec, library);

  const eos = endOfText(spec, library, config.data);
  const clean = cleaner(spec, json.data.model.type);
  const bos = config.data.add_bos_token === false ? idOf(library, config.data.bos_token) : undefined;
  return {
    encode(text) {
      const ids = [...library.encode(clean(text)).ids];
      // Gemma's own tokenizer.json begins with a token that SigLIP 2 is trained without, and may lack the last one.
      if (bos !== undefined && ids[0] === bos) ids.shift();
      if (ids.at(-1) !== eos) ids.push(eos);
      if (ids.length <= spec.context) return { ids, truncated: false };
      return { ids: [...ids.slice(0, spec.context - 1), eos], truncated: true };
    },
    padId: isPadded(spec) ? paddingId(library, json.data.padding?.pad_id, config.data) : eos,
    padSide: config.data.padding_side ?? "right",
  };
}

/** Whether padding changes the embedding: not where each token sees earlier ones only and the pooled one comes first. */
export function isPadded(spec: Pick<TextSpec, "causal" | "pooling">): boolean {
  return !spec.causal || spec.pooling.kind === "last";
}

function construct(tokenizer: object, config: TokenizerConfig): Tokenizer {
  try {
    return new Tokenizer(tokenizer, config);
  } catch (error) {
    throw unusable("tokenizer.json", error instanceof Error ? error.message : String(error));
  }
}

function checkVocabulary(spec: TextSpec, library: Tokenizer): void {
  let largest = -1;
  for (const id of library.get_vocab().values()) if (id > largest) largest = id;
  const spare = spec.vocabulary - (largest + 1);
  if (spare >= 0 && spare < TABLE_PADDING) return;
  throw new InputError(
    "tokenizer.json",
    `the ${spec.vocabulary} token ids of the text tower's embedding`,
    `${largest + 1}`,
    ADD,
  );
}

/** The id that ends a text: what CLIP pools at, and what the processors of all families append. */
function endOfText({ pooling }: TextSpec, library: Tokenizer, config: TokenizerConfig): number {
  const names = [config.eos_token, "<|endoftext|>", "</s>", "<eos>"];
  const found = names.map((name) => idOf(library, name)).find((id) => id !== undefined);
  if (found === undefined) throw unusable("tokenizer.json", "no end-of-text token (eos_token)");
  if (pooling.kind === "token" && pooling.id !== found) {
    throw new InputError(
      "config.json, text_config.eos_token_id",
      `${found}, the end-of-text token of tokenizer.json`,
      String(pooling.id),
      ADD,
    );
  }
  return found;
}

/** SigLIP's texts are padded to the whole context, and their padding is seen: it cannot be guessed. */
function paddingId(library: Tokenizer, stated: number | undefined, config: TokenizerConfig): number {
  const id = idOf(library, config.pad_token) ?? stated;
  if (id !== undefined) return id;
  throw new InputError(
    "Tokenizer",
    "the padding token (pad_token in tokenizer_config.json, or padding in tokenizer.json)",
    config.pad_token ? `"${config.pad_token}", which tokenizer.json does not know` : "neither",
    "Put the tokenizer_config.json of this very model beside tokenizer.json.",
  );
}

function idOf(library: Tokenizer, name: string | null | undefined): number | undefined {
  return name === null || name === undefined ? undefined : library.token_to_id(name);
}

/** SigLIP has a sentencepiece unigram tokenizer and SigLIP 2 Gemma's BPE; each is trained on texts cleaned its way. */
function cleaner({ cleaning }: TextSpec, model: string | undefined): (text: string) => string {
  if (cleaning === "none") return (text) => text;
  return cleaning === "siglip" && model === "BPE" ? (text) => text.toLowerCase() : canonicalize;
}

function unusable(file: string, got: string): InputError {
  return new InputError(file, "a tokenizer that @huggingface/tokenizers can read", got, ADD);
}
