import { InputError } from "../errors/input-error.ts";
import type { Skipped } from "../evaluate/skipped.ts";
import { imageSets } from "../regcache/cosine-report.ts";
import { curate } from "../regcache/curate.ts";
import { curationWarning } from "../regcache/curation-warning.ts";
import type { Registers } from "../regcache/registers.ts";
import { readRegisters } from "../regcache/registers-file.ts";
import { fileSource } from "./file-source.ts";
import { openCalibrationSets } from "./open-images.ts";
import type { OpenModel } from "./open-model.ts";
import type { CurateFlag } from "./options.ts";
import { createProgress } from "./output.ts";

export interface RegistersFlags {
  /** Registers file; registers.safetensors beside the model when absent and there. */
  readonly registers?: string;
  readonly curate?: CurateFlag;
}

/**
 * Registers for a run, added to the engine: from a file, or curated now, or those beside the model.
 * @returns null when none are asked for and none lie beside the model
 * @throws InputError when both flags are given, or a file was made for another model
 */
export async function openRegisters(
  model: OpenModel,
  flags: RegistersFlags,
  signal?: AbortSignal,
): Promise<Registers | null> {
  if (flags.registers !== undefined && flags.curate) {
    throw new InputError("--registers and --curate", "one of them", "both", "Leave one out.");
  }
  const registers = flags.curate
    ? (await curateFrom(model, flags.curate, signal)).registers
    : await readFrom(model, flags.registers);
  if (registers) model.engine.addRegisters(registers);
  return registers;
}

async function readFrom(model: OpenModel, given: string | undefined): Promise<Registers | null> {
  const known = { sha256: model.sha256, spec: model.engine.spec };
  if (given === undefined) return model.registers && readRegisters(model.registers, known);
  const source = await fileSource(given);
  try {
    return await readRegisters(source, known);
  } finally {
    await source.close();
  }
}

/**
 * Curates registers from the images of folders, flat or of class-named folders (`openCalibrationSets`).
 * @returns them, and what of the images could not be read
 * @throws InputError when there are no images that can be read or the block does not exist; CancelledError on abort
 */
export async function curateFrom(
  model: OpenModel,
  { data, limit, ...settings }: CurateFlag,
  signal?: AbortSignal,
): Promise<{ readonly registers: Registers; readonly skipped: Skipped }> {
  const { engine, sha256 } = model;
  const { sets, all } = await openCalibrationSets(model, "--data", { data, limit }, signal);
  const loaders = Array.from({ length: all.count }, (_, i) => () => all.load(i));
  const registers = await curate(engine, loaders, settings, {
    model: sha256,
    ...imageSets(sets),
    onProgress: createProgress(),
    ...(signal && { signal }),
  });
  tellCuration(registers);
  return { registers, skipped: all.skipped };
}

/** Says on stderr when curated tokens are hardly alike. */
export function tellCuration({ cosine }: Pick<Registers, "cosine">): void {
  const warning = curationWarning(cosine);
  if (warning !== null) process.stderr.write(`${warning}\n`);
}

/** What registers are made of, for a line of text. */
export function registersText({ candidates, cosine }: Pick<Registers, "candidates" | "cosine">): string {
  const [among, normal] = [cosine.outliers, cosine.normal].map((value) => value.toFixed(3));
  return `registers: the mean of ${candidates} tokens, mean cosine ${among} among them, ${normal} among normal ones`;
}
