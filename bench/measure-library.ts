import type { Browser } from "@playwright/test";
import { median } from "d3-array";
import { memorySource } from "../src/checkpoint/byte-source.ts";
import { openSafetensors } from "../src/checkpoint/safetensors.ts";
import { openEncoder } from "../src/families/index.ts";
import { randomCheckpoint, VIT_B16 } from "../src/families/random-checkpoint.ts";
import { startTestHub } from "../src/hub/test-hub.ts";
import { measureInPage } from "./in-page.ts";
import { exportViT } from "./library/exported-graph.ts";
import type { LibraryMeasures } from "./library/measure.ts";
import { CHECKPOINT, ONNX } from "./library/opener.ts";
import type { Row } from "./row.ts";

/** Opening a 344 MB encoder and running one image, against @huggingface/transformers with the same weights as ONNX. */
export async function measureLibrary(browser: Browser, rounds: number): Promise<Row[]> {
  const { bytes, config } = randomCheckpoint({ ...VIT_B16, classes: 0 });
  const { spec, weights } = openEncoder(
    await openSafetensors(memorySource(bytes, "model.safetensors")),
    { config },
    {},
  );
  const { size } = spec.preprocess;
  const hub = await startTestHub({
    [CHECKPOINT]: { files: { "model.safetensors": bytes, "config.json": JSON.stringify(config) } },
    [ONNX]: {
      files: {
        "onnx/model.onnx": await exportViT(spec, weights),
        "config.json": JSON.stringify({ model_type: "vit", architectures: ["ViTModel"], image_size: size }),
        "preprocessor_config.json": JSON.stringify({ image_processor_type: "ViTImageProcessor" }),
      },
    },
  });
  try {
    return rowsOf(await measureInPage<LibraryMeasures>(browser, "library", hub.url, size, rounds));
  } finally {
    await hub.close();
  }
}

/** Both must have run the same encoder. */
const MOST_DIFFERENCE = 1e-3;

function rowsOf({ open, check, image, difference }: LibraryMeasures): Row[] {
  if (!(difference <= MOST_DIFFERENCE))
    throw new Error(`The features differ by ${difference}: not the same encoder.`);
  const library = "@huggingface/transformers";
  const checking = `; then ${Math.round(median(check)!)} ms for the sha256, in use`;
  const row = (name: string, ours: readonly number[], theirs: readonly number[], more = ""): Row => ({
    name,
    value: median(ours.map((time, round) => time / theirs[round]!))!,
    limit: 1,
    unit: "x",
    detail: `median of ${ours.length}; ${Math.round(median(ours)!)} against ${Math.round(median(theirs)!)} ms; features differ by ${difference.toExponential(1)}${more}`,
  });
  return [
    row(`opening ViT-B/16 from a server / ${library}, both keep it`, open.ours, open.keeping, checking),
    row(`opening ViT-B/16 from a server / ${library} that keeps nothing`, open.ours, open.plain, checking),
    row(`one image, with all instruments / ${library}`, image.ours, image.theirs),
    row(`one image, its feature alone / ${library}`, image.lean, image.theirs),
  ];
}
