import { InputError } from "../errors/input-error.ts";
import { curate } from "../regcache/curate.ts";
import type { Registers } from "../regcache/registers.ts";
import { readRegisters } from "../regcache/registers-file.ts";
import { fileSource } from "./file-source.ts";
import { asCalibration, openImageFolder } from "./open-images.ts";
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
    ? await curateFrom(model, flags.curate, signal)
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
 * Curates registers from a folder of images, flat or of class-named folders. With a limit it takes the first
 * images of the seeded order (seed 0), so that a sorted folder still gives a mixture of its classes.
 * @throws InputError when there are no images or the block does not exist; CancelledError on abort
 */
export async function curateFrom(
  model: OpenModel,
  { data, limit, ...settings }: CurateFlag,
  signal?: AbortSignal,
): Promise<Registers> {
  const { engine, sha256 } = model;
  const calibration = asCalibration(model, await openImageFolder(data), { limit, seed: 0 });
  const loaders = Array.from({ length: calibration.count }, (_, i) => () => calibration.load(i));
  return curate(engine, loaders, settings, {
    model: sha256,
    data: `${calibration.count} images of ${calibration.name}`,
    onProgress: createProgress(),
    ...(signal && { signal }),
  });
}
