import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { TextSpec } from "../src/encoder/text.ts";
import { createTokenizer } from "../src/text/tokenizer.ts";

// `npx tsx tools/check_tokenizer.ts FOLDER`: our token ids against the libraries', on what tools/make_clip_vocabulary.py or
// tools/make_precompiled_tokenizer.py wrote there. Prints how many texts agree, and the others.
const folder = z.string({ error: "Expected a folder that one of the scripts wrote." }).parse(process.argv[2]);
const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, name), "utf8"));
const reference = z
  .object({
    texts: z.array(z.string()),
    ids: z.record(z.string(), z.array(z.array(z.int()))),
    vocabulary: z.int(),
    context: z.int(),
  })
  .parse(await json("reference.json"));

/** A text tower, as far as its tokenizer asks. */
const spec: TextSpec = {
  layout: "CLIP",
  blocks: 12,
  width: 512,
  heads: 8,
  mlpWidth: 2048,
  vocabulary: reference.vocabulary,
  context: reference.context,
  layerNormEps: 1e-5,
  activation: "quick_gelu",
  causal: true,
  pooling: { kind: "largest-id" },
  embedding: 512,
  scoring: "softmax",
  cleaning: "none",
  assumptions: [],
};
const tokenizer = createTokenizer(spec, {
  tokenizer: await json("tokenizer.json"),
  config: await json("tokenizer_config.json"),
});
for (const [library, expected] of Object.entries(reference.ids)) {
  const rows = reference.texts.map((text, i) => ({
    text,
    ours: tokenizer.encode(text).ids.join(),
    theirs: expected[i]?.join(),
  }));
  const others = rows.filter(({ ours, theirs }) => ours !== theirs);
  console.log(`${library}: ${rows.length - others.length} of ${rows.length} texts agree`);
  for (const { text, ours, theirs } of others)
    console.log(`  ${JSON.stringify(text)}\n    ours ${ours}\n    ${library} ${theirs}`);
}
