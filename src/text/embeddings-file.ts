import { z } from "zod";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors, writeSafetensors } from "../checkpoint/safetensors.ts";
import { InputError } from "../errors/input-error.ts";
import type { ClassEmbeddings } from "./class-embeddings.ts";

const manifestSchema = z.object({
  classes: z.array(z.string()).min(1),
  templates: z.array(z.string()),
  scoring: z.enum(["softmax", "sigmoid"]),
  scale: z.number(),
  bias: z.number(),
  truncated: z.int().nonnegative(),
});

/** Class embeddings as a safetensors file: the tensor `embeddings` [classes, E], and the rest in the metadata. */
export function writeClassEmbeddings({
  embeddings,
  width,
  ...manifest
}: ClassEmbeddings): Uint8Array<ArrayBuffer> {
  const shape = [manifest.classes.length, width];
  return writeSafetensors([{ name: "embeddings", shape, data: embeddings }], {
    manifest: JSON.stringify(manifest),
  });
}

/** Reads what {@link writeClassEmbeddings} wrote. @throws InputError when it is anything else */
export async function readClassEmbeddings(bytes: Uint8Array): Promise<ClassEmbeddings> {
  const name = "Class embeddings";
  const file = await openSafetensors(memorySource(bytes, name));
  const manifest = manifestSchema.safeParse(parse(file.metadata.manifest));
  const width = file.tensors.get("embeddings")?.shape[1];
  if (!manifest.success || !width) {
    throw new InputError(name, "a file that RegScope wrote", "another one", "Embed the classes again.");
  }
  const embeddings = await file.read("embeddings", [manifest.data.classes.length, width]);
  return { ...manifest.data, embeddings, width };
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return null;
  }
}
