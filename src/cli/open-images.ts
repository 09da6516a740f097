import { basename, resolve } from "node:path";
import { InputError } from "../errors/input-error.ts";
import {
  type CalibrationSet,
  type CalibrationSetOptions,
  calibrationSet,
  calibrationSets,
} from "../evaluate/calibration.ts";
import { UNLABELLED } from "../evaluate/class-folders.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { bundledModel, openBundledSet } from "./bundled.ts";
import { listImages, openFolderSet, readImage } from "./folder-dataset.ts";
import { isZip, openLabelledSet } from "./labelled-set.ts";
import type { HeadFlags } from "./open-head.ts";
import type { ModelFlags, OpenModel } from "./open-model.ts";
import { createProgress, tellSkipped } from "./output.ts";
import { preparer } from "./preparer.ts";

/** Which images settings are chosen on, for `sensitivity` and `search`. */
export interface ImagesFlags extends Omit<ModelFlags, "model">, Partial<HeadFlags> {
  readonly model?: string;
  /** Folder of images, flat or of class-named folders. */
  readonly data?: string;
  /** The bundled encoder on the bundled probe scenes. */
  readonly bundled?: boolean;
  /** Folder that holds `models/` and `datasets/`. */
  readonly assets: string;
  /** Folder whose images a probe is fitted on. */
  readonly train?: string;
  readonly limit?: number;
  readonly seed: number;
}

/** A set from a folder, with its labels where the images lie in class-named folders. */
export interface ImageFolder {
  readonly set: LabelledSet;
  readonly labelled: boolean;
}

/**
 * Opens a folder of images: flat ones have no labels (one nameless class), class-named folders and zips of them do.
 * @throws InputError when there are no images
 */
export async function openImageFolder(folder: string): Promise<ImageFolder> {
  if (isZip(folder)) return { set: await openLabelledSet(folder), labelled: true };
  const paths = await listImages(folder);
  const isFlat = paths.every((path) => basename(resolve(path, "..")) === basename(resolve(folder)));
  if (!isFlat) return { set: await openFolderSet(folder), labelled: true };
  const set: LabelledSet = {
    name: basename(resolve(folder)),
    classes: [UNLABELLED],
    count: paths.length,
    label: () => 0,
    id: (i) => paths[i]!,
    image: (i) => readImage(paths[i]!),
  };
  return { set, labelled: false };
}

/** The model's folder and the images that the flags name. */
export async function openImages(flags: ImagesFlags): Promise<{ model: string } & ImageFolder> {
  requireBundledAlone(flags);
  if (flags.bundled) {
    return {
      model: bundledModel(flags.assets),
      set: await openBundledSet(flags.assets, "probe"),
      labelled: true,
    };
  }
  if (flags.model !== undefined && flags.data !== undefined) {
    return { model: flags.model, ...(await openImageFolder(flags.data)) };
  }
  const missing = flags.model === undefined ? "--model" : "--data";
  throw new InputError("Images", "--bundled, or --model and --data", `no ${missing}`, "See --help.");
}

/** @throws InputError when --bundled, which names model and images, stands beside others */
export function requireBundledAlone(flags: Pick<ImagesFlags, "bundled" | "model" | "data" | "train">): void {
  if (!flags.bundled) return;
  const { model, data, train } = flags;
  const [other] = Object.entries({ model, data, train }).find(([, value]) => value !== undefined) ?? [];
  if (other === undefined) return;
  const expected = "no --model, --data or --train beside it: it names them all";
  throw new InputError("--bundled", expected, `--${other}`, "Leave one out.");
}

/**
 * The images as a calibration set of the loaded model, in the seed's order; unreadable ones are left out, which is said.
 * @throws InputError for no images, or none that can be read; CancelledError on abort
 */
export async function asCalibration(
  model: OpenModel,
  { set, labelled }: ImageFolder,
  { limit, seed }: { readonly limit?: number | undefined; readonly seed: number },
  signal?: AbortSignal,
): Promise<CalibrationSet> {
  const images = await readSet(model, set, { limit, seed, signal });
  return labelled ? images : { ...images, label: null };
}

/**
 * The first images of each of some folders as one calibration set, without labels. With a limit these are the first of the
 * seeded order (seed 0), so that a sorted folder still gives a mixture of its classes.
 * Unreadable images are left out, which is said.
 * @throws InputError when a folder has no images or none that can be read, or an image lies in two of them, where it would count
 *   twice; CancelledError on abort
 */
export async function openCalibrationSets(
  model: OpenModel,
  flag: string,
  { data, limit }: { readonly data: readonly string[]; readonly limit?: number | undefined },
  signal?: AbortSignal,
): Promise<{ readonly sets: readonly CalibrationSet[]; readonly all: CalibrationSet }> {
  const sets: LabelledSet[] = [];
  // Whole paths, so that a folder that is named in two ways is known again.
  for (const folder of data) sets.push((await openImageFolder(resolve(folder))).set);
  return calibrationSets(sets, flag, (set) => readSet(model, set, { limit, seed: 0, signal }));
}

/** {@link calibrationSet} of the loaded model; says which images it leaves out. */
export async function readSet(
  { engine }: OpenModel,
  set: LabelledSet,
  options: Omit<CalibrationSetOptions, "onProgress">,
): Promise<CalibrationSet> {
  const onProgress = createProgress();
  const images = await calibrationSet(set, preparer(engine.spec), { ...options, onProgress });
  tellSkipped(images.skipped);
  return images;
}
