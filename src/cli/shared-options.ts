import type { Command } from "commander";
import { NEIGHBOURS } from "../evaluate/knn.ts";
import { DELETION_FORM } from "../intervention/deletion-text.ts";
import { QUANTIZATION_FORM } from "../intervention/quantization-text.ts";
import { CALIBRATION_IMAGES } from "../quantize/calibrate.ts";
import { TEMPLATE_PRESETS } from "../text/prompts.ts";
import { PROBES } from "./open-head.ts";
import {
  parseCalibrate,
  parseChoice,
  parseCurate,
  parseDelete,
  parseInteger,
  parsePositive,
  parsePrefix,
  parseQuantize,
} from "./options.ts";

/** Options that several commands have. */

/** The model, and what its files may leave open. */
export function modelOptions(command: Command, { required = true } = {}): void {
  const model =
    "folder with model.safetensors or its shards, optionally config.json, preprocessor_config.json, open_clip_config.json, registers.safetensors; or hub:OWNER/NAME[@REVISION], which is downloaded once";
  command[required ? "requiredOption" : "option"]("--model <model>", model)
    .option("--mirror <url>", "server of a hub: model (default: the Hugging Face Hub)")
    .option(
      "--normalisation <name>",
      "pixel mean and std where no config says them: half, imagenet",
      parseChoice("normalisation", ["half", "imagenet"]),
    )
    .option("--eps <number>", "epsilon of the LayerNorms where no config says it", parsePositive("eps"))
    .option(
      "--input-size <pixels>",
      "side of the input; position embeddings are interpolated to it (default: the checkpoint's)",
      parseInteger("input-size", 1),
    )
    .option("--threads <n>", "threads of one operator", parseInteger("threads", 1));
}

/** What zero-shot classification chooses among. */
export function classOptions(command: Command): void {
  const presets = TEMPLATE_PRESETS.map(({ id }) => id).join(", ");
  command
    .option(
      "--classes <file>",
      "class names of zero-shot: one a line, or JSON: a list, or an object folder -> name",
    )
    .option("--templates <file>", `prompt templates with {}: a file, or ${presets} (default: simple)`);
}

/** Where registers come from. */
export function registersOptions(command: Command): void {
  command
    .option("--registers <file>", "registers file (default: registers.safetensors beside the model)")
    .option(
      "--curate <settings>",
      "curate now: block=6,data=FOLDER[,data=FOLDER...][,top=100][,registers=2][,limit=N]",
      parseCurate,
    );
}

/** What is done to a run. */
export function interventionOptions(command: Command): void {
  command
    .option("--prefix <settings>", "register prefix: from=4,count=4[,to=11][,registers=2]", parsePrefix)
    .option("--delete <settings>", `token deletion: ${DELETION_FORM}`, parseDelete)
    .option(
      "--quantize <settings>",
      `w8a8[,weights=per-channel][,KEY=VALUE...]: ${QUANTIZATION_FORM}`,
      parseQuantize,
    )
    .option(
      "--calibrate <settings>",
      `images for static ranges, smooth and base: data=FOLDER[,data=FOLDER...][,limit=${CALIBRATION_IMAGES}]`,
      parseCalibrate,
    );
}

/** The images that settings are chosen on. */
export function imagesOptions(command: Command): void {
  modelOptions(command, { required: false });
  command
    .option("--bundled", "the bundled encoder on its probe scenes (never the test set)")
    .option("--data <folder>", "folder of images, flat or of class-named folders")
    .option("--probe <head>", `read labels by: ${PROBES.join(", ")}`, parseChoice("probe", PROBES))
    .option("--train <folder>", "folder of class-named folders that the probe is fitted on")
    .option("--lambda <number>", "penalty of the ridge probe", parsePositive("lambda"))
    .option(
      "--neighbours <n>",
      `k of the k-NN probe (default: ${NEIGHBOURS})`,
      parseInteger("neighbours", 1),
    );
  classOptions(command);
  command
    .option("--limit <n>", "the first n images of the seed's order", parseInteger("limit", 1))
    .option("--seed <n>", "seed of the images' order", parseInteger("seed", 0), 0);
}

/** What a search of settings minimises the damage of, and how that is measured. */
export function objectiveOptions(command: Command): void {
  command
    .option("--quantize <settings>", "the quantizer in full instead of --bits", parseQuantize)
    .option(
      "--objective <name>",
      "of the search: mse (label-free: feature error to FP32), accuracy",
      parseChoice("objective", ["mse", "accuracy"]),
      "mse",
    );
}

/** Where a command that takes long is kept. */
export const STATE_OPTION = [
  "--state <file>",
  "keep in this file what is done, and go on from it when it is there",
] as const;
