import { join } from "node:path";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { parseRecommended, type RegCacheSetting } from "../evaluate/recommended.ts";
import { openSheet } from "../evaluate/sheet-dataset.ts";
import { decodeImage } from "./decode.ts";
import { readBytes } from "./read-file.ts";

/** Folder of the bundled encoder under `assets`. */
export function bundledModel(assets: string): string {
  return join(assets, "models", "scenes-vit");
}

/**
 * The RegCache setting that the bundled encoder's card recommends.
 * @throws InputError when the file is not there or is none
 */
export async function bundledSetting(assets: string): Promise<RegCacheSetting> {
  const file = join(bundledModel(assets), "recommended.json");
  return parseRecommended(await readBytes(file, "the recommended RegCache setting"), file);
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
