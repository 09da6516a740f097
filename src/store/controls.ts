import type { EncoderSpec } from "../encoder/spec.ts";
import { needsRegisters } from "../intervention/deletion.ts";
import {
  type Intervention,
  interventionSchema,
  NO_INTERVENTION,
  type Quantization,
} from "../intervention/intervention.ts";
import type { RegistersInfo } from "../worker/api.ts";
import { clampDeletion, type DeletionControls, deletionFor, withDeletion } from "./deletion-controls.ts";
import { chooseRegisters, type KnownRegisters } from "./prefix-choice.ts";
import {
  type Bits,
  bitsOf,
  type CalibrationChoice,
  calibrationNamed,
  type Quantizer,
  quantizationFor,
  quantizerOf,
} from "./quantizer.ts";

/**
 * What the controls show. It is wider than an Intervention, because a switched-off prefix or deletion keeps
 * its numbers, so that switching it on again brings them back.
 */
export interface Controls {
  /** The method's registers, for the prefix and for deletion by similarity; null = the model has none. */
  readonly registers: string | null;
  readonly prefix: {
    readonly on: boolean;
    readonly from: number;
    readonly to: number;
    readonly count: number;
    /** Distinct registers in use, the first so many. */
    readonly distinct: number;
    /** Id of what stands in for the registers, as a control; null = nothing. */
    readonly alternative: string | null;
    /** Whose keys and values these are; it follows from the two ids. */
    readonly kind: RegistersInfo["kind"];
  };
  readonly deletion: DeletionControls;
  readonly bits: Bits;
  readonly weightGranularity: Quantization["weightGranularity"];
  readonly quantizer: Quantizer;
  readonly calibration: CalibrationChoice;
}

/** Most deleted patches or register copies that the controls offer. */
export const MAX_REGISTER_COUNT = 64;

/**
 * The run that the controls ask for. A prefix, or a deletion by similarity, without registers is left out.
 * @throws ZodError never for clamped controls; the schema is the last check before the worker.
 */
export function toIntervention(controls: Controls): Intervention {
  const { registers, prefix, deletion } = controls;
  const inPrefix = prefix.alternative ?? registers;
  return interventionSchema.parse({
    ...NO_INTERVENTION,
    prefix:
      prefix.on && inPrefix !== null
        ? {
            registers: inPrefix,
            from: prefix.from,
            to: prefix.to,
            count: prefix.count,
            ...(prefix.distinct > 1 && { distinct: prefix.distinct }),
          }
        : null,
    delete: deletionFor(deletion, registers),
    quantize: controls.bits === "fp32" ? null : quantizationOf(controls),
  });
}

/** The quantizer that the controls show; W8A8, at which accuracy is measured too, while they say FP32. */
export function quantizationOf({ bits, weightGranularity, quantizer, calibration }: Controls): Quantization {
  return quantizationFor(bits === "fp32" ? "w8a8" : bits, weightGranularity, quantizer, calibration);
}

/**
 * Puts an intervention (from a link) into the controls; numbers of what it leaves out stay as they are. Which of its registers
 * are stand-ins is known only by {@link clampControls}.
 */
export function withIntervention(controls: Controls, intervention: Intervention): Controls {
  const { prefix, delete: deletion, quantize } = intervention;
  const measured = deletion && needsRegisters(deletion) ? deletion.registers : undefined;
  const registers = measured ?? prefix?.registers ?? controls.registers;
  return {
    registers,
    prefix: prefix
      ? {
          ...{ on: true, from: prefix.from, to: prefix.to, count: prefix.count },
          distinct: prefix.distinct ?? 1,
          alternative: prefix.registers === registers ? null : prefix.registers,
          kind: "outliers",
        }
      : { ...controls.prefix, on: false },
    deletion: deletion ? withDeletion(controls.deletion, deletion) : { ...controls.deletion, on: false },
    bits: bitsOf(quantize),
    weightGranularity: quantize?.weightGranularity ?? controls.weightGranularity,
    quantizer: quantize ? quantizerOf(quantize) : controls.quantizer,
    calibration:
      quantize?.calibration === undefined ? controls.calibration : calibrationNamed(quantize.calibration),
  };
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** The old value when nothing in it changed, so that what shows it need not be rendered again. */
function keepEqual<T extends object>(old: T, next: T): T {
  return (Object.keys(next) as (keyof T)[]).every((key) => old[key] === next[key]) ? old : next;
}

/** Fits the controls to an encoder: blocks in 0..L-1, at least one patch survives, known registers only. */
export function clampControls(
  controls: Controls,
  spec: Pick<EncoderSpec, "blocks" | "grid">,
  known: KnownRegisters,
): Controls {
  const last = spec.blocks - 1;
  const { registers: id, prefix } = controls;
  const { registers: method, alternative } = chooseRegisters(
    { registers: id, alternative: prefix.alternative },
    known,
  );
  const registers = method?.id ?? null;
  const inPrefix = alternative ?? method;
  const from = clamp(Math.round(prefix.from), 0, last);
  return {
    ...controls,
    registers,
    prefix: keepEqual(prefix, {
      on: prefix.on && inPrefix !== null,
      from,
      to: clamp(Math.round(prefix.to), from, last),
      count: clamp(prefix.count, 0.1, MAX_REGISTER_COUNT),
      distinct: clamp(Math.round(prefix.distinct), 1, inPrefix?.distinct ?? 1),
      alternative: alternative?.id ?? null,
      kind: inPrefix?.kind ?? "outliers",
    }),
    deletion: keepEqual(controls.deletion, clampDeletion(controls.deletion, spec, registers !== null)),
    quantizer: fitBlocks(controls.quantizer, last),
  };
}

/** Quantized blocks that the encoder has; all of them where none is left. */
function fitBlocks(quantizer: Quantizer, last: number): Quantizer {
  if (!quantizer.blocks?.some((block) => block > last)) return quantizer;
  const { blocks, ...rest } = quantizer;
  const fitting = blocks.filter((block) => block <= last);
  return fitting.length > 0 ? { ...rest, blocks: fitting } : rest;
}
