import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors, type Safetensors } from "../checkpoint/safetensors.ts";
import { relativeDifference } from "../engine/agreement.ts";
import { collect } from "../engine/collect.ts";
import { InputError } from "../errors/input-error.ts";
import { prepareImage } from "../image/preprocess.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { readImage } from "./folder-dataset.ts";
import { type OpenModel, openModel } from "./open-model.ts";
import { readBytes } from "./read-file.ts";

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

/**
 * Largest difference of each tensor to the reference's, relative to the largest magnitude in it (see
 * `relativeDifference`).
 */
export interface Parity {
  readonly pixels: number;
  /** Before block 0. */
  readonly embedded: number;
  /** After each block. */
  readonly blocks: readonly number[];
  readonly feature: number;
  readonly pooled: number | null;
  readonly logits: number | null;
}

/** A reference and the folder of its checkpoint. */
export interface Reference {
  readonly folder: string;
  readonly file: Safetensors;
  readonly info: ReferenceInfo;
}

/**
 * The references of a fixtures folder, in the order of their names.
 * @throws InputError when one is damaged
 */
export async function listReferences(fixtures: string): Promise<Reference[]> {
  const folder = join(fixtures, "references");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".safetensors")).sort();
  return Promise.all(
    names.map(async (name) => {
      const reference = await openReference(join(folder, name));
      return { ...reference, folder: join(fixtures, reference.info.case) };
    }),
  );
}

/** Opens a reference file. @throws InputError when it is none */
async function openReference(path: string): Promise<Omit<Reference, "folder">> {
  const file = await openSafetensors(memorySource(await readBytes(path, "a reference"), path));
  const info = metadataSchema.safeParse(file.metadata);
  if (info.success) return { file, info: info.data };
  const remedy = "Write it with tools/make_family_fixtures.py.";
  throw new InputError(path, "a reference with its metadata", info.error.issues[0]!.message, remedy);
}

/**
 * Runs the image of a reference through the model of a folder, as the command line does, and compares everything that
 * the reference holds. The encoder gets the pixels that this program prepared.
 * @param images folder of the reference's image
 * @param folder of the checkpoint, where it shall be another one
 */
export async function compareWithReference(
  { file, info, folder: own }: Reference,
  images: string,
  folder = own,
): Promise<Parity> {
  const model = await openModel({ model: folder, ...(!info.native && { inputSize: info.size }) });
  try {
    return await compare(model, file, join(images, info.image));
  } finally {
    await model.close();
  }
}

/** The largest difference of anything but the pixels. */
export function largestDifference({ embedded, blocks, feature, pooled, logits }: Parity): number {
  return Math.max(embedded, ...blocks, feature, pooled ?? 0, logits ?? 0);
}

async function compare({ engine }: OpenModel, file: Safetensors, image: string): Promise<Parity> {
  const { pixels } = prepareImage(await readImage(image), engine.spec.preprocess);
  const states: Float32Array[] = [];
  const { result } = await collect(
    engine.run({ id: image, pixels }, NO_INTERVENTION, {
      onStates: ({ block, input, output }) => {
        if (block === 0) states.push(input);
        states.push(output);
      },
    }),
  );
  const to = async (name: string, ours: ArrayLike<number>) => relativeDifference(await file.read(name), ours);
  const optional = async (name: string, ours: Float32Array | null | undefined) => {
    if (file.tensors.has(name)) return to(name, ours ?? []);
    return null;
  };
  const blocks: number[] = [];
  for (const [i, state] of states.slice(1).entries()) blocks.push(await to(`block.${i}`, state));
  return {
    pixels: await to("pixels", pixels),
    embedded: await to("embedded", states[0]!),
    blocks,
    feature: await to("feature", result.feature),
    pooled: await optional("pooled", result.pooled),
    logits: await optional("logits", result.logits),
  };
}
