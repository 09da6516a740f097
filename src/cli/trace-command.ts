import type { PreprocessSpec } from "../encoder/spec.ts";
import { collect } from "../engine/collect.ts";
import type { BlockStates, RunOptions } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import { type Readout, readOut } from "../evaluate/readout.ts";
import { applySetting, type RegCacheSetting } from "../evaluate/recommended.ts";
import { type Keep, type PixelMask, prepareMask } from "../image/mask.ts";
import { prepareImage } from "../image/preprocess.ts";
import { requireRangesPerImage } from "../intervention/batch.ts";
import type { Intervention, Quantization } from "../intervention/intervention.ts";
import { traceReport } from "../trace/trace-report.ts";
import { writeFeatures } from "./features-file.ts";
import { readImage } from "./folder-dataset.ts";
import { type CalibrateFlag, calibrated } from "./open-calibration.ts";
import { type ModelFlags, openModel } from "./open-model.ts";
import { openRegisters, type RegistersFlags } from "./open-registers.ts";
import { formatTable, magnitude, printJson, printText } from "./output.ts";
import { type ClassFlags, openClassEmbeddings } from "./zero-shot.ts";

/** With `classes`, the readout is zero-shot. */
export interface TraceFlags extends ModelFlags, RegistersFlags, RegCacheSetting, ClassFlags {
  readonly image: string;
  /** Image file of the foreground (white), for `keep`. */
  readonly mask?: string;
  /** The part of the image that stays; the other one is zeroed after normalisation. */
  readonly keep?: Keep;
  readonly quantize?: Quantization;
  readonly calibrate?: CalibrateFlag;
  /** More per block: medianAbs, kurtosis, lists per token; and the pooled feature. */
  readonly full?: boolean;
  /** Safetensors file to write the patch features to. */
  readonly features?: string;
  /** Fills deleted places of that file from their neighbours. */
  readonly refill?: boolean;
  readonly json?: boolean;
}

/**
 * `trace`: one image through the encoder, block by block.
 * @throws InputError for anything that does not fit; CancelledError on abort
 */
export async function traceCommand(flags: TraceFlags, signal?: AbortSignal): Promise<void> {
  if (flags.refill && flags.features === undefined) {
    throw new InputError("trace", "--refill beside --features FILE", "--refill alone", "See --help.");
  }
  requireRangesPerImage(flags.quantize, "trace");
  const model = await openModel(flags, signal);
  try {
    const { engine, sha256 } = model;
    const { spec } = engine;
    const image = await readImage(flags.image);
    const registers = await openRegisters(model, flags, signal);
    const intervention: Intervention = {
      ...applySetting(flags, registers?.id ?? null, spec.blocks),
      quantize: flags.quantize ? await calibrated(model, flags.quantize, flags.calibrate, signal) : null,
      ...(flags.keep && { mask: flags.keep }),
    };
    const { pixels } = prepareImage(image, spec.preprocess);
    const mask = await openMask(flags, image, spec.preprocess);
    const input = { id: flags.image, pixels, ...(mask && { mask }) };
    let last: Float32Array = new Float32Array(0);
    const options: RunOptions = {
      ...(signal && { signal }),
      ...(flags.features !== undefined && {
        onStates: ({ output }: BlockStates) => {
          last = output;
        },
      }),
    };
    const { traces, result } = await collect(engine.run(input, intervention, options));
    const features =
      flags.features === undefined
        ? null
        : await writeFeatures(
            flags.features,
            spec,
            { x: last, positions: traces.at(-1)!.positions },
            flags.refill ?? false,
          );
    const { width, height } = image;
    const traced = {
      spec,
      sha256,
      image: { file: flags.image, width, height },
      intervention,
      traces,
      result,
    };
    const { classes } = flags;
    const embedded =
      classes === undefined ? null : await openClassEmbeddings(model, { ...flags, classes }, signal);
    const readout = readOut(result, spec, embedded);
    const report = {
      ...traceReport(traced, flags.full ?? false),
      ...(features && { features }),
      ...(readout && { readout }),
    };
    if (flags.json) printJson(report);
    else printText(toText(report));
  } finally {
    await model.close();
  }
}

/**
 * The mask that the flags name, as the encoder sees it.
 * @throws InputError when --mask and --keep do not come together, or the mask does not fit the image
 */
async function openMask(
  { mask, keep }: TraceFlags,
  image: { readonly width: number; readonly height: number },
  preprocess: PreprocessSpec,
): Promise<PixelMask | null> {
  if (mask === undefined && keep === undefined) return null;
  if (mask === undefined || keep === undefined) {
    const got = mask === undefined ? "--keep alone" : "--mask alone";
    throw new InputError(
      "trace",
      "--mask FILE and --keep foreground|background together",
      got,
      "See --help.",
    );
  }
  return { id: mask, inside: prepareMask(await readImage(mask), image, preprocess, mask) };
}

/** The trace as a table for people: L-inf over tokens, in the units of the residual stream. */
function toText({
  model,
  image,
  intervention,
  deleted,
  blocks,
  readout,
}: ReturnType<typeof traceReport> & { readonly readout?: Readout }): string {
  const head = [
    "block",
    "residual max",
    "p99",
    "median",
    "token",
    "channel",
    "fc2 input max",
    "p99",
    "median",
  ];
  const rows = blocks.map(({ block, residual, fc2Input }) => [
    String(block),
    ...[residual.max, residual.p99, residual.median].map(magnitude),
    `${residual.maxKind} ${residual.maxToken}`,
    String(residual.maxChannel),
    ...[fc2Input.max, fc2Input.p99, fc2Input.median].map(magnitude),
  ]);
  return [
    `${model.label} (${model.family}), ${model.blocks} blocks, ${model.tokens} tokens, width ${model.width}`,
    ...model.assumptions.map((assumption) => `assumed: ${assumption}`),
    `${image.file}${intervention.delete ? `; ${deletedLine(deleted)}` : ""}`,
    ...(readout ? [readoutLine(readout)] : []),
    "",
    formatTable([head, ...rows]),
  ].join("\n");
}

function deletedLine(deleted: Int32Array): string {
  if (deleted.length === 0) return "no tokens deleted";
  return `${deleted.length} deleted tokens: ${Array.from(deleted).join(", ")}`;
}

function readoutLine({ head, top }: Readout): string {
  const scores = top.map(({ label, probability }) => `${(100 * probability).toFixed(1)} % ${label}`);
  return `${head}: ${scores.join(", ")}`;
}
