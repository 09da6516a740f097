import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { memorySource } from "../checkpoint/byte-source.ts";
import { prepareImage } from "../image/preprocess.ts";
import { compareRun, type Parity } from "../parity/compare.ts";
import { openReference, type Reference } from "../parity/reference.ts";
import { readImage } from "./folder-dataset.ts";
import { openModel } from "./open-model.ts";
import { readBytes } from "./read-file.ts";

/** A reference and the folder of its checkpoint. */
export interface FolderReference extends Reference {
  readonly folder: string;
  /** Of the reference itself. */
  readonly path: string;
}

/**
 * The references of a fixtures folder, in the order of their names.
 * @throws InputError when one is damaged
 */
export async function listReferences(fixtures: string): Promise<FolderReference[]> {
  const folder = join(fixtures, "references");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".safetensors")).sort();
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const reference = await openReference(memorySource(await readBytes(path, "a reference"), path));
      return { ...reference, path, folder: join(fixtures, reference.info.case) };
    }),
  );
}

/**
 * Runs the image of a reference through the model of its folder on onnxruntime-node, as the command line does, and
 * compares everything that the reference holds.
 * @param images folder of the reference's image
 */
export async function compareWithReference(reference: FolderReference, images: string): Promise<Parity> {
  const { info, folder } = reference;
  const model = await openModel({ model: folder, ...(!info.native && { inputSize: info.size }) });
  try {
    const image = await readImage(join(images, info.image));
    const { pixels } = prepareImage(image, model.engine.spec.preprocess);
    return await compareRun(model.engine, reference, pixels);
  } finally {
    await model.close();
  }
}
