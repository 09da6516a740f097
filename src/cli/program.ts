import { Command, CommanderError } from "commander";
import { CancelledError, InputError } from "../errors/input-error.ts";
import { NEIGHBOURS } from "../evaluate/knn.ts";
import { REGISTER_SLOTS } from "../graph/block.ts";
import { KEEPS } from "../image/mask.ts";
import { OUTLIER_CRITERION_IDS } from "../measure/outlier-criteria.ts";
import { type AblateFlags, ablateCommand } from "./ablate-command.ts";
import { type CurateFlags, curateCommand } from "./curate-command.ts";
import { type BundledFlags, type EvalFlags, evalBundledCommand, evalCommand } from "./eval-command.ts";
import { type MasksFlags, masksCommand } from "./masks-command.ts";
import { type ModelsFlags, modelsCommand } from "./models-command.ts";
import { PROBES } from "./open-head.ts";
import {
  parseBits,
  parseBitsList,
  parseChoice,
  parseConfigurations,
  parseInteger,
  parsePositive,
  parseQuantize,
  parseRegisters,
} from "./options.ts";
import { type OutliersFlags, outliersCommand } from "./outliers-command.ts";
import { type SearchFlags, searchCommand } from "./search-command.ts";
import { searchOptions } from "./search-options.ts";
import { type SensitivityFlags, sensitivityCommand } from "./sensitivity-command.ts";
import {
  classOptions,
  imagesOptions,
  interventionOptions,
  modelOptions,
  objectiveOptions,
  registersOptions,
  STATE_OPTION,
} from "./shared-options.ts";
import { type TraceFlags, traceCommand } from "./trace-command.ts";

/**
 * Runs one command line and returns its exit code: 0 done, 2 bad input (message on stderr), 130 cancelled.
 * Unexpected errors are thrown.
 * @param argv arguments after the program's name
 * @param assets folder of the bundled models and datasets
 */
export async function runCli(argv: readonly string[], assets: string, signal?: AbortSignal): Promise<number> {
  try {
    await buildProgram(assets, signal).parseAsync(argv, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof InputError || error instanceof CancelledError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof InputError ? 2 : 130;
  }
}

function buildProgram(assets: string, signal: AbortSignal | undefined): Command {
  const program = new Command("lab")
    .description(
      "Measures, moves and deletes the outliers of vision encoders (RegCache), and what quantization costs.",
    )
    .exitOverride();

  const trace = program.command("trace").description("one image through the encoder, block by block");
  modelOptions(trace);
  registersOptions(trace);
  interventionOptions(trace);
  classOptions(trace);
  trace
    .requiredOption("--image <file>", "image to run")
    .option("--mask <file>", "image of the same shape, white where the foreground is; with --keep")
    .option("--keep <part>", "zero the other part: foreground, background", parseChoice("keep", KEEPS))
    .option(
      "--features <file>",
      "write the patch features after the last block, [grid, grid, D], as safetensors",
    )
    .option("--refill", "fill deleted places of --features with the mean of their neighbours (otherwise NaN)")
    .option("--full", "add medianAbs, kurtosis, lists per token and the feature")
    .option("--json", "print JSON")
    .action((flags: TraceFlags) => traceCommand(flags, signal));

  const evaluation = program.command("eval").description("accuracy on labelled images, FP32 first");
  modelOptions(evaluation, { required: false });
  registersOptions(evaluation);
  interventionOptions(evaluation);
  evaluation
    .option("--bundled", "the bundled encoder on the bundled test set")
    .option("--data <path>", "folder of class-named folders, or a zip of them")
    .option("--probe <head>", `how labels are read: ${PROBES.join(", ")}`, parseChoice("probe", PROBES))
    .option("--train <folder>", "folder of class-named folders that the probe is fitted on")
    .option(
      "--lambda <number>",
      "penalty of the ridge probe (default: leave-one-out)",
      parsePositive("lambda"),
    )
    .option(
      "--neighbours <n>",
      `k of the k-NN probe (default: ${NEIGHBOURS})`,
      parseInteger("neighbours", 1),
    );
  classOptions(evaluation);
  evaluation
    .option(
      "--holdout <seed>",
      "fit the probe on a fifth of every class of --data, drawn with this seed, and evaluate the rest",
      parseInteger("holdout", 0),
    )
    .option("--limit <n>", "the first n images of the seed's order", parseInteger("limit", 1))
    .option("--seed <n>", "seed of the images' order", parseInteger("seed", 0), 0)
    .option(
      "--jobs <n>",
      "engines that work side by side (default: by cores, memory and work)",
      parseInteger("jobs", 1),
    )
    .option(...STATE_OPTION)
    .option("--configurations <list>", "fp32,naive,prefix,delete,regcache,regcache-fp32", parseConfigurations)
    .option("--json", "print JSON")
    .action((flags: Partial<EvalFlags> & { bundled?: boolean; seed: number }) =>
      flags.bundled
        ? evalBundledCommand({ ...onlyBundled(flags), assets }, signal)
        : evalCommand(complete(flags, ["model", "data", "probe"]), signal),
    );

  program
    .command("masks")
    .description(
      "foreground against background: maxima by block over the bundled scenes and their exact masks",
    )
    .option("--model <model>", "another model than the bundled one: a folder, or hub:OWNER/NAME[@REVISION]")
    .option("--mirror <url>", "server of a hub: model (default: the Hugging Face Hub)")
    .option("--limit <n>", "the first n images of the seed's order", parseInteger("limit", 1), 64)
    .option("--seed <n>", "seed of the images' order", parseInteger("seed", 0), 0)
    .option("--json", "print JSON")
    .action((flags: Omit<MasksFlags, "assets">) => masksCommand({ ...flags, assets }, signal));

  const outliers = program
    .command("outliers")
    .description(
      "how many outlier tokens a set of images has after each block, where they lie and what they are like",
    );
  modelOptions(outliers, { required: false });
  outliers
    .option(
      "--bundled",
      "the bundled encoder on its test scenes, whose masks tell background from foreground",
    )
    .option("--data <folder...>", "folders of images, flat or of class-named folders; their union is taken")
    .option("--limit <n>", "the first n images of the seed's order", parseInteger("limit", 1))
    .option("--seed <n>", "seed of the images' order", parseInteger("seed", 0), 0)
    .option(
      "--criterion <name>",
      `what an outlier is: ${OUTLIER_CRITERION_IDS.join(", ")}`,
      parseChoice("criterion", OUTLIER_CRITERION_IDS),
      "median-100",
    )
    .option("--json", "print JSON")
    .action((flags: OutliersFlags) => outliersCommand({ ...flags, assets }, signal));

  const sensitivity = program
    .command("sensitivity")
    .description("which block or linear loses most when it alone is quantized");
  imagesOptions(sensitivity);
  sensitivity
    .option(
      "--by <unit>",
      "what is quantized alone: block, linear",
      parseChoice("by", ["block", "linear"]),
      "block",
    )
    .option("--bits <n>", "bits of weights and activations, 2 to 8 (default: 8)", parseBits)
    .option("--quantize <settings>", "the quantizer in full instead of --bits", parseQuantize)
    .option(...STATE_OPTION)
    .option("--json", "print JSON")
    .action((flags: SensitivityFlags) => sensitivityCommand({ ...flags, assets }, signal));

  const search = program
    .command("search")
    .description("the RegCache setting that costs least at a bit width, on images that are not the test set");
  imagesOptions(search);
  searchOptions(search);
  search.action((flags: SearchFlags) => searchCommand({ ...flags, assets }, signal));

  const ablation = program
    .command("ablate")
    .description("the paper's comparisons on --data, with everything chosen on --train");
  imagesOptions(ablation);
  ablation
    .option(
      "--train-limit <n>",
      "training images that settings are chosen on",
      parseInteger("train-limit", 1),
      32,
    )
    .option(
      "--bits <list>",
      "bits of weights and activations, one table each: 8,6,4 (default: 8)",
      parseBitsList,
    );
  objectiveOptions(ablation);
  ablation
    .option(
      "--registers <n>",
      `distinct registers of the prefixes that are searched, 1 to ${REGISTER_SLOTS} (default: 1)`,
      parseRegisters,
    )
    .option("--block <n>", "the sensitive block (default: found by a sweep)", parseInteger("block", 0))
    .option("--jobs <n>", "engines that evaluate side by side", parseInteger("jobs", 1))
    .option(...STATE_OPTION)
    .option("--json", "print JSON")
    .option("--csv", "print CSV")
    .action((flags: AblateFlags) => ablateCommand({ ...flags, assets }, signal));

  const curation = program.command("curate").description("make a registers file from folders of images");
  modelOptions(curation);
  curation
    .requiredOption(
      "--data <folder...>",
      "folders of images, flat or of class-named folders; their union is taken",
    )
    .requiredOption("--block <n>", "candidates are chosen after this block", parseInteger("block", 0))
    .option(
      "--from <n>",
      "or over all blocks from this one to --block (paper: 3 before)",
      parseInteger("from", 0),
    )
    .option("--top <n>", "tokens to keep over all images", parseInteger("top", 1), 100)
    .option("--registers <n>", `distinct registers, 1 to ${REGISTER_SLOTS}`, parseInteger("registers", 1))
    .option("--limit <n>", "images to use of each folder, drawn with seed 0", parseInteger("limit", 1))
    .requiredOption("--out <file>", "registers file to write")
    .option("--json", "print JSON (always so)")
    .action((flags: CurateFlags) => curateCommand(flags, signal));

  program
    .command("models")
    .description("models that were downloaded from a hub, and what they take")
    .option(
      "--delete <model>",
      "delete one: hub:OWNER/NAME[@REVISION]; of all its revisions where none is named",
    )
    .option("--json", "print JSON")
    .action((flags: ModelsFlags) => modelsCommand(flags));
  return program;
}

/** What `eval --bundled` may be combined with; the rest is fixed by the bundled model. */
const WITH_BUNDLED = [
  "bundled",
  "limit",
  "seed",
  "json",
  "quantize",
  "calibrate",
  "configurations",
  "threads",
  "jobs",
  "state",
];

function onlyBundled(flags: object): Omit<BundledFlags, "assets"> {
  const extra = Object.keys(flags).find((key) => !WITH_BUNDLED.includes(key));
  if (extra === undefined) return flags as Omit<BundledFlags, "assets">;
  throw new InputError(
    `eval --bundled`,
    `only ${WITH_BUNDLED.slice(1)
      .map((key) => `--${key}`)
      .join(", ")} beside it`,
    `--${extra}`,
    "Leave it out, or leave --bundled out.",
  );
}

function complete<T extends object>(flags: Partial<T>, keys: readonly (keyof T & string)[]): T {
  const missing = keys.filter((key) => flags[key] === undefined).map((key) => `--${key}`);
  if (missing.length === 0) return flags as T;
  throw new InputError(
    "eval",
    "--bundled, or --model, --data and --probe",
    `no ${missing.join(", ")}`,
    "See --help.",
  );
}
