import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { TextSpec } from "../encoder/text.ts";
import { createTokenizer } from "./tokenizer.ts";

const json = async (path: string) =>
  JSON.parse(await readFile(new URL(`fixtures/${path}`, import.meta.url), "utf8"));
const load = async (name: string) => ({
  tokenizer: await json(`${name}/tokenizer.json`),
  config: await json(`${name}/tokenizer_config.json`),
});
const clip = await load("clip");
const siglip = await load("siglip");
const siglip2 = await load("siglip2");

const spec = (change: Partial<TextSpec> = {}): TextSpec => ({
  layout: "test",
  blocks: 1,
  width: 4,
  heads: 1,
  mlpWidth: 4,
  vocabulary: 656,
  context: 77,
  layerNormEps: 1e-5,
  activation: "gelu",
  causal: true,
  pooling: { kind: "largest-id" },
  embedding: 4,
  scoring: "softmax",
  cleaning: "none",
  assumptions: [],
  ...change,
});
const SIGLIP: Partial<TextSpec> = {
  vocabulary: 82,
  context: 64,
  causal: false,
  pooling: { kind: "last" },
  cleaning: "siglip",
};

test("a missing, foreign or damaged tokenizer is refused with what to add", () => {
  expect(() => createTokenizer(spec(), null)).toThrow(
    /tokenizer.json beside the weights, got none. Put the tokenizer/,
  );
  expect(() => createTokenizer(spec(), siglip)).toThrow(/the 656 token ids .* got 82/);
  expect(() => createTokenizer(spec({ vocabulary: 600 }), clip)).toThrow(/the 600 token ids .* got 656/);
  expect(() => createTokenizer(spec(), { tokenizer: [], config: null })).toThrow(/tokenizer.json: expected/);
  const broken = { tokenizer: { model: { type: "Nonsense", vocab: {} } }, config: null };
  expect(() => createTokenizer(spec(), broken)).toThrow(/tokenizer.json: expected a tokenizer that/);
});

test("an embedding that is padded with a few unused rows is accepted", () => {
  expect(createTokenizer(spec({ vocabulary: 704 }), clip).encode("a").ids).toHaveLength(3);
});

test("the end of text of the config must be the tokenizer's", () => {
  expect(() => createTokenizer(spec({ pooling: { kind: "token", id: 49407 } }), clip)).toThrow(
    /eos_token_id: expected 655.*got 49407/,
  );
});

test("a text longer than the context loses its end, but not its end-of-text token", () => {
  const { ids, truncated } = createTokenizer(spec({ context: 6 }), clip).encode(
    "a church in winter with a dog",
  );
  expect(truncated).toBe(true);
  expect(ids).toHaveLength(6);
  expect([ids[0], ids[5]]).toEqual([654, 655]);
});

test("padding that the tower sees must be stated: SigLIP's vocabulary also holds a <pad> that it does not use", () => {
  const bare = { tokenizer: siglip.tokenizer, config: null };
  expect(() => createTokenizer(spec(SIGLIP), bare)).toThrow(
    /the padding token .* got neither. Put the tokenizer_config/,
  );
  expect(createTokenizer(spec(SIGLIP), siglip).padId).toBe(1);
  const stated = { tokenizer: { ...siglip.tokenizer, padding: { pad_id: 5 } }, config: null };
  expect(createTokenizer(spec(SIGLIP), stated).padId).toBe(5);
});

test("Gemma's own post-processor is made SigLIP 2's: no <bos>, but <eos>", () => {
  const gemma = structuredClone(siglip2);
  gemma.tokenizer.post_processor.single = [
    { SpecialToken: { id: "<bos>", type_id: 0 } },
    { Sequence: { id: "A", type_id: 0 } },
  ];
  gemma.tokenizer.post_processor.special_tokens = { "<bos>": { id: "<bos>", ids: [2], tokens: ["<bos>"] } };
  const size = spec({ ...SIGLIP, vocabulary: 421 });
  const text = "A photo of a Church";
  expect(createTokenizer(size, gemma).encode(text).ids).toEqual(
    createTokenizer(size, siglip2).encode(text).ids,
  );
  expect(createTokenizer(size, siglip2).padId).toBe(0);
});
