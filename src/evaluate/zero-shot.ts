import { maxIndex } from "d3-array";
import { InputError } from "../errors/input-error.ts";
import type { ClassEmbeddings } from "../text/class-embeddings.ts";
import { IMAGENETTE } from "../text/prompts.ts";
import type { Head } from "./head.ts";

/**
 * Probability of each class for an image: softmax over the scaled cosines (CLIP, 2103.00020), or the sigmoid of each
 * scaled and shifted cosine alone (SigLIP, 2303.15343), which need not add up to 1.
 * @param feature pooled and projected feature, [E], not normalised
 * @throws InputError when the feature and the class embeddings do not have the same width
 */
export function zeroShotProbabilities(feature: Float32Array, classes: ClassEmbeddings): Float64Array {
  const logits = zeroShotLogits(feature, classes);
  return classes.scoring === "softmax" ? softmax(logits) : logits.map((x) => 1 / (1 + Math.exp(-x)));
}

/** softmax of [C] numbers. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = values.map((x) => Math.exp(x - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / sum);
}

/**
 * Zero-shot head: the class whose embedding has the largest cosine to the image's feature. Softmax and sigmoid do not
 * change which one that is.
 * @param labels names of the set's classes, in its order; each must be among the embedded classes
 * @throws InputError when one is not
 */
export function zeroShotHead(embeddings: ClassEmbeddings, labels: readonly string[]): Head {
  const missing = labels.find((name) => !embeddings.classes.includes(name));
  if (missing !== undefined) {
    throw new InputError(
      "Zero-shot head",
      `all ${labels.length} classes of the labelled set`,
      `no class "${missing}"`,
      "Name the classes of the set in the class list.",
    );
  }
  const toSet = embeddings.classes.map((name) => labels.indexOf(name));
  return {
    describe: describeZeroShot(embeddings),
    classify: ({ feature }) => toSet[maxIndex(zeroShotLogits(feature, embeddings))] ?? -1,
  };
}

/**
 * A zero-shot head for a set whose class folders are named as the embedded classes ("_" for a space), or as Imagenette's
 * are, by WordNet id; null when a folder is none of them.
 */
export function zeroShotHeadOfFolders(embeddings: ClassEmbeddings, folders: readonly string[]): Head | null {
  const nameOf = (folder: string) =>
    [folder, folder.replaceAll("_", " "), IMAGENETTE[folder]].find(
      (name) => name !== undefined && embeddings.classes.includes(name),
    );
  const labels = folders.map(nameOf);
  return labels.every((name) => name !== undefined) ? zeroShotHead(embeddings, labels) : null;
}

/** E.g. "zero-shot over 10 classes, 7 templates". */
export function describeZeroShot({ classes, templates }: ClassEmbeddings): string {
  const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
  return `zero-shot over ${count(classes.length, "class", "classes")}, ${count(templates.length, "template", "templates")}`;
}

function zeroShotLogits(feature: Float32Array, classes: ClassEmbeddings): Float64Array {
  const { embeddings, width: E, scale, bias } = classes;
  if (feature.length !== E) {
    throw new InputError(
      "Zero-shot head",
      `an image feature as wide as the class embeddings, ${E}`,
      `${feature.length} channels`,
      "Open the whole checkpoint, whose vision tower projects into the text tower's space.",
    );
  }
  const norm = Math.hypot(...feature) || 1;
  return Float64Array.from({ length: classes.classes.length }, (_, c) => {
    let dot = 0;
    for (let e = 0; e < E; e++) dot += feature[e]! * embeddings[c * E + e]!;
    return (scale * dot) / norm + bias;
  });
}
