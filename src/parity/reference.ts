import { z } from "zod";
import type { ByteSource } from "../checkpoint/byte-source.ts";
import { openSafetensors, type Safetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";

/** What a reference file (tools/make_family_fixtures.py) says about itself. */
const metadataSchema = z.object({
  /** Folder of the checkpoint. */
  case: z.string().regex(/^[\w-]+$/),
  family: z.string(),
  library: z.string(),
  version: z.string(),
  torch: z.string(),
  image: z.string(),
  size: z.coerce.number().int().positive(),
  native: z.enum(["true", "false"]).transform((text) => text === "true"),
});
export type ReferenceInfo = z.infer<typeof metadataSchema>;

/** What a library makes of an image: `pixels`, `embedded`, `block.0` ..., `feature`, and where it has them `pooled`, `logits`. */
export interface Reference {
  readonly file: Safetensors;
  readonly info: ReferenceInfo;
}

/** Opens a reference file. @throws InputError when it is none */
export async function openReference(source: ByteSource): Promise<Reference> {
  const file = await openSafetensors(source);
  const info = metadataSchema.safeParse(file.metadata);
  if (info.success) return { file, info: info.data };
  const remedy = "Write it with tools/make_family_fixtures.py.";
  throw new InputError(source.name, "a reference with its metadata", info.error.issues[0]!.message, remedy);
}
