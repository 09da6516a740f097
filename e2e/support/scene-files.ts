import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zipSync } from "fflate";
import sharp from "sharp";
import { SITE } from "./paths.ts";

/** An image file of the bundled test set: its path in a set of class-named folders, and its PNG bytes. */
export interface SceneFile {
  readonly path: string;
  readonly bytes: Buffer;
}

/** The first `count` bundled test scenes of each of some classes, as a labelled set of files. */
export async function sceneFiles(classes: readonly string[], count: number): Promise<SceneFile[]> {
  const folder = join(SITE, "datasets/scenes");
  const meta = JSON.parse(await readFile(join(folder, "labels.json"), "utf8"));
  const sheet = await readFile(join(folder, meta.images));
  const files: SceneFile[] = [];
  for (const name of classes) {
    const label = meta.classes.indexOf(name);
    const tiles = [...meta.labels.keys()].filter((i) => meta.labels[i] === label).slice(0, count);
    for (const i of tiles) {
      const region = {
        left: (i % meta.columns) * meta.tile,
        top: Math.floor(i / meta.columns) * meta.tile,
        width: meta.tile,
        height: meta.tile,
      };
      const bytes = await sharp(sheet).extract(region).png().toBuffer();
      files.push({ path: `${name}/${String(i).padStart(4, "0")}.png`, bytes });
    }
  }
  return files;
}

/** Writes them as a folder. @returns the folder */
export async function writeFiles(folder: string, files: readonly SceneFile[]): Promise<string> {
  for (const { path, bytes } of files) {
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return folder;
}

/** Them as a zip archive that can be dropped. @param outer folder that holds the class folders, "" or ending in "/" */
export function zipOf(files: readonly SceneFile[], outer = "set/") {
  return {
    name: "scenes.zip",
    type: "application/zip",
    bytes: zipSync(Object.fromEntries(files.map(({ path, bytes }) => [outer + path, bytes])), { level: 0 }),
  };
}
