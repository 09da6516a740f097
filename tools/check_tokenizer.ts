import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { TextSpec } from "../src/encoder/text.ts";
import { createTokenizer } from "../src/text/tokenizer.ts";

// `npx tsx tools/check_tokenizer.ts FOLDER`: token ids of CLIP's published vocabulary against the libraries', on what
// tools/make_clip_vocabulary.py wrote there. Prints how many texts agree, and the others.
const folder = z
  .string({ error: "Expected a folder that tools/make_clip_vocabulary.py wrote." })
  .parse(process.argv[2]);
const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, name), "utf8"));
const rows = z.array(z.array(z.int()));
const reference = z
  .object({
    texts: z.array(z.string()),
    transformers: rows,
    open_clip: rows,
    vocabulary: z.int(),
    context: z.int(),
  })
  .parse(await json("reference.json"));

/** CLIP's text tower, as far as its tokenizer asks. */
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
for (const library of ["transformers", "open_clip"] as const) {
  const others = reference.texts.filter(
    (text, i) => JSON.stringify(tokenizer.encode(text).ids) !== JSON.stringify(reference[library][i]),
  );
  console.log(
    `${library}: ${reference.texts.length - others.length} of ${reference.texts.length} texts agree`,
  );
  for (const text of others) {
    const expected = reference[library][reference.texts.indexOf(text)]!;
    console.log(
      `  ${JSON.stringify(text)}\n    ours ${tokenizer.encode(text).ids}\n    ${library} ${expected}`,
    );
  }
}
