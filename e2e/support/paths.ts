import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** Root of the project. */
export const ROOT = resolve(import.meta.dirname, "../..");
/** The built site. Its own copy of the bundled files is what the page runs, so the command line takes it too. */
export const SITE = resolve(ROOT, process.env.REGSCOPE_DIST ?? "dist");
/** Folder of the command line as tests run it: bundled by the global setup. */
export const CLI_BUNDLE = join(ROOT, ".cache/e2e-cli");
/** Folder of the bundled encoder. */
export const BUNDLED_MODEL = join(SITE, "models/scenes-vit");
/** Folder of the bundled images. */
export const SAMPLES = join(SITE, "samples");

/** A folder of real encoders or images that is not part of the project; null when it is absent. */
export function sharedFolder(kind: "models" | "images", name: string): string | null {
  const base = process.env[`REGSCOPE_${kind.toUpperCase()}`] ?? join(ROOT, "../shared", kind);
  const folder = join(base, name);
  return existsSync(folder) ? folder : null;
}
