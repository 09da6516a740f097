import { z } from "zod";
import type { TokenizerFiles } from "./tokenizer.ts";

/** For tests: the fixtures that tools/make_text_fixtures.py wrote, read by whatever can read a file. */
export const FIXTURES = ["clip", "open-clip", "siglip", "siglip2", "open-clip-siglip"] as const;

const rows = z.array(z.array(z.number()));
const referenceSchema = z.object({
  texts: z.array(z.string()),
  ids: rows,
  embeddings: rows,
  classes: z.array(z.string()),
  templates: z.array(z.string()),
  classEmbeddings: rows,
  imageFeature: z.array(z.number()),
  probabilities: z.array(z.number()),
});

/** Reads one fixture. @param read bytes of a file of its folder; rejects when there is none */
export async function readFixture(read: (file: string) => Promise<Uint8Array>) {
  const json = async (file: string): Promise<unknown> =>
    JSON.parse(new TextDecoder().decode(await read(file)));
  const tokenizer: TokenizerFiles = {
    tokenizer: await json("tokenizer.json"),
    config: await json("tokenizer_config.json"),
  };
  return {
    weights: await read("model.safetensors"),
    configs: {
      config: await json("config.json").catch(() => null),
      openClip: await json("open_clip_config.json").catch(() => null),
    },
    tokenizer,
    reference: referenceSchema.parse(await json("reference.json")),
  };
}
