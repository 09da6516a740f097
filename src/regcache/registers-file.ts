import { z } from "zod";
import type { ByteSource } from "../checkpoint/byte-source.ts";
import { openSafetensors, writeSafetensors } from "../checkpoint/safetensors.ts";

import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { contentId, REGISTER_ARRAYS } from "./content-id.ts";
import { REGISTER_KINDS, type Registers } from "./registers.ts";

/**
 * The registers file: safetensors with `key`, `value`, `state` and `mean`, each [L, D] fp32, and a manifest in
 * the header's metadata (strings, as the format demands).
 */
const FORMAT = "regscope-registers";
const VERSION = "1";

const integer = z.string().regex(/^\d+$/, "a whole number").transform(Number);
const decimal = z.string().transform(Number).refine(Number.isFinite, "a number");

const manifestSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  model: z.string().regex(/^[0-9a-f]{64}$/, "a sha256 in hex"),
  /** Absent in files of the first release, like `from`: the mean outlier token, one block. */
  kind: z.enum(REGISTER_KINDS).default("outliers"),
  from: integer.optional(),
  block: integer,
  candidates: integer,
  images: integer,
  data: z.string(),
  cosine_outliers: decimal,
  cosine_normal: decimal,
});

/** The registers as the bytes of a file that {@link readRegisters} reads back to the same id. */
export function writeRegisters(registers: Registers): Uint8Array {
  const tensors = REGISTER_ARRAYS.map((name) => ({
    name,
    shape: [registers[name].length, registers[name][0]!.length],
    data: concatenate(registers[name]),
  }));
  return writeSafetensors(tensors, {
    format: FORMAT,
    version: VERSION,
    model: registers.model,
    kind: registers.kind,
    from: String(registers.from),
    block: String(registers.block),
    candidates: String(registers.candidates),
    images: String(registers.images),
    data: registers.data,
    cosine_outliers: String(registers.cosine.outliers),
    cosine_normal: String(registers.cosine.normal),
  });
}

/**
 * Reads a registers file for the loaded model.
 * @param model its sha256 and its shapes
 * @throws InputError when the file is not a registers file, is damaged, or was made for another model
 */
export async function readRegisters(
  source: ByteSource,
  model: { readonly sha256: string; readonly spec: EncoderSpec },
): Promise<Registers> {
  const file = await openSafetensors(source);
  const parsed = manifestSchema.safeParse(file.metadata);
  if (!parsed.success) {
    throw new InputError(
      source.name,
      `a registers file (${FORMAT}, version ${VERSION})`,
      z.prettifyError(parsed.error).replaceAll("\n", " "),
      "Open a file that was saved by RegScope.",
    );
  }
  const manifest = parsed.data;
  const { blocks, width } = model.spec;
  if (manifest.model !== model.sha256) {
    throw new InputError(
      source.name,
      `registers made for the loaded model (sha256 ${model.sha256.slice(0, 12)}...)`,
      `registers of another model (sha256 ${manifest.model.slice(0, 12)}...)`,
      "Open that model first, or curate registers for this one.",
    );
  }
  const rows = async (name: (typeof REGISTER_ARRAYS)[number]) => {
    const data = await file.read(name, [blocks, width]);
    return Array.from({ length: blocks }, (_, block) => data.slice(block * width, (block + 1) * width));
  };
  const content = {
    model: manifest.model,
    kind: manifest.kind,
    from: manifest.from ?? manifest.block,
    block: manifest.block,
    candidates: manifest.candidates,
    images: manifest.images,
    data: manifest.data,
    cosine: { outliers: manifest.cosine_outliers, normal: manifest.cosine_normal },
    key: await rows("key"),
    value: await rows("value"),
    state: await rows("state"),
    mean: await rows("mean"),
  };
  return { id: await contentId(content), ...content };
}

function concatenate(rows: readonly Float32Array[]): Float32Array {
  const width = rows[0]!.length;
  const all = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    all.set(row, i * width);
  });
  return all;
}
