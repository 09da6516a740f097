import { join } from "node:path";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { openSheet } from "../evaluate/sheet-dataset.ts";
import { decodeImage } from "./decode.ts";
import { readBytes } from "./read-file.ts";

/** Folder of the bundled encoder under `assets`. */
export function bundledModel(assets: string): string {
  return join(assets, "models", "scenes-vit");
}

/**
 * A bundled labelled set: the test scenes, or the separate probe scenes that settings are chosen on.
 * @throws InputError when its files do not fit together
 */
export function openBundledSet(assets: string, part: "test" | "probe"): Promise<LabelledSet> {
  const folder = join(assets, "datasets", "scenes");
  return openSheet(
    (file) => readBytes(join(folder, file), `a part of the bundled ${part} set`),
    decodeImage,
    part === "test" ? "labels.json" : "probe.json",
  );
}
