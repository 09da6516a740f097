import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { allocateSafetensors } from "../../src/checkpoint/safetensors.ts";
import type { Header } from "./checkpoint-files.ts";
import { ROOT } from "./paths.ts";

const FIXTURE = join(ROOT, "src/text/fixtures/clip");
const read = (name: string) => readFileSync(join(FIXTURE, name));

/** Width and MLP width of the text tower, MLP width of the image encoder: as in the fixture, and here. */
const TEXT = { width: [32, 256], mlp: [96, 1024] } as const;
const VISION_MLP = [64, 4096] as const;

/**
 * A CLIP with random weights in Transformers' layout, 9 MB, two thirds of it text tower: large enough that the parts of it are fetched
 * one by one. Names, configs and tokenizer are those of the fixture.
 */
export function clipCheckpoint(): Record<string, Uint8Array | string> {
  const fixture = read("model.safetensors");
  const header = JSON.parse(fixture.toString("utf8", 8, 8 + Number(fixture.readBigUInt64LE(0)))) as Header;
  const layout = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, { shape }]) => ({ name, shape: shape.map((side) => widened(name, side)) }));
  const { bytes, views } = allocateSafetensors(layout, { format: "pt" });
  let seed = 1;
  for (const { name, shape } of layout) {
    const view = views.get(name)!;
    const isNorm = /norm|layrnorm/.test(name);
    const spread = 1 / Math.sqrt(shape.slice(1).reduce((product, side) => product * side, 1));
    for (let i = 0; i < view.length; i++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      view[i] = isNorm ? Number(name.endsWith("weight")) : spread * (seed / 2 ** 31 - 1);
    }
  }
  views.get("logit_scale")![0] = Math.log(20);
  const config = JSON.parse(read("config.json").toString()) as Record<string, Record<string, unknown>>;
  Object.assign(config.text_config!, { hidden_size: TEXT.width[1], intermediate_size: TEXT.mlp[1] });
  Object.assign(config.vision_config!, { intermediate_size: VISION_MLP[1] });
  const beside = ["preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"];
  return {
    "model.safetensors": bytes,
    "config.json": JSON.stringify(config),
    ...Object.fromEntries(beside.map((name) => [name, read(name).toString()])),
  };
}

function widened(name: string, side: number): number {
  const isText = name.startsWith("text_");
  if (isText && side === TEXT.width[0]) return TEXT.width[1];
  if (isText && side === TEXT.mlp[0]) return TEXT.mlp[1];
  return name.includes(".mlp.") && side === VISION_MLP[0] ? VISION_MLP[1] : side;
}

/** Writes it as a model folder. @returns the folder */
export async function writeClip(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(clipCheckpoint()))
    await writeFile(join(folder, name), content);
  return folder;
}
