import { z } from "zod";
import type { ByteSource } from "../checkpoint/byte-source.ts";
import { quote } from "../checkpoint/header.ts";
import { openSafetensors, type Safetensors, writeSafetensors } from "../checkpoint/safetensors.ts";
import { concat } from "../encoder/linears.ts";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { REGISTER_SLOTS } from "../graph/block.ts";
import { contentId } from "./content-id.ts";
import { REGISTER_KINDS, type Register, type Registers } from "./registers.ts";

/**
 * The registers file: safetensors with `key`, `value`, `state` and `mean`, each [L, D] fp32, and a manifest in
 * the header's metadata (strings, as the format demands). Version 2 has R distinct registers: `key` and `value` are
 * [R, L, D], and `register_candidates` says of how many tokens each is the mean. A single register is written as
 * version 1, which earlier releases read.
 */
const FORMAT = "regscope-registers";
const VERSIONS = ["1", "2"] as const;

const AGAIN =
  "It is damaged, or no registers file: copy it again from where it was saved, or curate the registers anew.";

const integer = z.string().regex(/^\d+$/, "a whole number").transform(Number);
const decimal = z.string().transform(Number).refine(Number.isFinite, "a number");
const triple = z
  .string()
  .transform((text) => text.split(","))
  .pipe(z.tuple([decimal, decimal, decimal]));

const setSchema = z.object({
  name: z.string(),
  images: z.int().min(1),
  candidates: z.int().min(0),
  cosine: z.object({ outliers: z.number().nullable(), normal: z.number().nullable() }),
});

function fromJson(text: string, context: z.RefinementCtx): unknown {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: "custom", message: "expected JSON" });
    return z.NEVER;
  }
}

const common = z.object({
  format: z.literal(FORMAT),
  model: z.string().regex(/^[0-9a-f]{64}$/, "a sha256 in hex"),
  /** Absent in files of the first release, like `from`: the mean outlier token, one block. */
  kind: z.enum(REGISTER_KINDS).default("outliers"),
  from: integer.optional(),
  block: integer,
  candidates: integer,
  images: integer,
  data: z.string(),
  /** The data set whose probe images they were, where they were. */
  probe_of: z.string().optional(),
  cosine_outliers: decimal,
  cosine_normal: decimal,
  /** The sets that the images come from, as JSON, where there are several. */
  sets: z.string().transform(fromJson).pipe(z.array(setSchema).min(2)).optional(),
  /** Absent, like `input_*`, in files of earlier releases, which did not keep them. */
  top: integer.optional(),
  input_size: integer.optional(),
  input_mean: triple.optional(),
  input_std: triple.optional(),
});

const manifestSchema = z.discriminatedUnion("version", [
  common.extend({ version: z.literal(VERSIONS[0]) }),
  common.extend({
    version: z.literal(VERSIONS[1]),
    register_candidates: z
      .string()
      .transform((text) => text.split(","))
      .pipe(z.array(integer).min(2).max(REGISTER_SLOTS)),
  }),
]);

/** The registers as the bytes of a file that {@link readRegisters} reads back to the same id. */
export function writeRegisters(registers: Registers): Uint8Array {
  const { distinct, state, mean, top, input } = registers;
  const isSingle = distinct.length === 1;
  const table = (rows: readonly Float32Array[]) => ({
    shape: [rows.length, rows[0]!.length],
    data: concat(rows),
  });
  const tables = (name: "key" | "value") => {
    const { shape, data } = table(distinct.flatMap((register) => register[name]));
    const [rows, width] = shape as [number, number];
    return { name, shape: isSingle ? shape : [distinct.length, rows / distinct.length, width], data };
  };
  const tensors = [
    tables("key"),
    tables("value"),
    { name: "state", ...table(state) },
    { name: "mean", ...table(mean) },
  ];
  return writeSafetensors(tensors, {
    format: FORMAT,
    version: VERSIONS[isSingle ? 0 : 1],
    ...(!isSingle && { register_candidates: distinct.map(({ candidates }) => candidates).join(",") }),
    model: registers.model,
    kind: registers.kind,
    from: String(registers.from),
    block: String(registers.block),
    candidates: String(registers.candidates),
    images: String(registers.images),
    data: registers.data,
    ...(registers.probeOf !== undefined && { probe_of: registers.probeOf }),
    cosine_outliers: String(registers.cosine.outliers),
    cosine_normal: String(registers.cosine.normal),
    ...(registers.sets && { sets: JSON.stringify(registers.sets) }),
    ...(top !== undefined && { top: String(top) }),
    ...(input && {
      input_size: String(input.size),
      input_mean: input.mean.join(","),
      input_std: input.std.join(","),
    }),
  });
}

/**
 * Reads a registers file for the loaded model.
 * @param model its sha256 and its shapes
 * @throws InputError when the file is not a registers file, is damaged, was written by a newer release, or was made for another
 *   model
 */
export async function readRegisters(
  source: ByteSource,
  model: { readonly sha256: string; readonly spec: EncoderSpec },
): Promise<Registers> {
  const file = await openFile(source);
  requireFormat(source.name, file.metadata);
  const parsed = manifestSchema.safeParse(file.metadata);
  if (!parsed.success) {
    throw new InputError(
      source.name,
      `the manifest of a registers file (${FORMAT})`,
      z.prettifyError(parsed.error).replaceAll("\n", " "),
      AGAIN,
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
  const { block, from = block } = manifest;
  if (block >= blocks || from > block) {
    const got = `blocks ${from} to ${block}`;
    throw new InputError(source.name, `registers curated in blocks 0 to ${blocks - 1}`, got, AGAIN);
  }
  const candidates = manifest.version === "2" ? manifest.register_candidates : [manifest.candidates];
  const split = (data: Float32Array) =>
    Array.from({ length: data.length / width }, (_, row) => data.slice(row * width, (row + 1) * width));
  const rows = async (name: "state" | "mean") => split(await file.read(name, [blocks, width]));
  const registersOf = async (name: "key" | "value") => {
    const shape = manifest.version === "2" ? [candidates.length, blocks, width] : [blocks, width];
    const all = split(await file.read(name, shape));
    return candidates.map((_, r) => all.slice(r * blocks, (r + 1) * blocks));
  };
  const [keys, values] = [await registersOf("key"), await registersOf("value")];
  const distinct = candidates.map(
    (count, r): Register => ({ key: keys[r]!, value: values[r]!, candidates: count }),
  );
  const content = {
    model: manifest.model,
    kind: manifest.kind,
    from,
    block,
    candidates: manifest.candidates,
    images: manifest.images,
    data: manifest.data,
    ...(manifest.probe_of !== undefined && { probeOf: manifest.probe_of }),
    cosine: { outliers: manifest.cosine_outliers, normal: manifest.cosine_normal },
    ...(manifest.sets && { sets: manifest.sets }),
    ...(manifest.top !== undefined && { top: manifest.top }),
    ...inputOf(manifest),
    distinct,
    state: await rows("state"),
    mean: await rows("mean"),
  };
  return { id: await contentId(content), ...content };
}

/** How the images became pixels, where the manifest says all of it. */
function inputOf({
  input_size: size,
  input_mean: mean,
  input_std: std,
}: z.infer<typeof common>): Pick<Registers, "input"> {
  return size !== undefined && mean && std ? { input: { size, mean, std } } : {};
}

/** Another file, or another version than this release reads, is told apart before the manifest is checked. */
function requireFormat(name: string, { format, version }: Safetensors["metadata"]): void {
  if (format !== FORMAT) {
    const got = format === undefined ? "a safetensors file without a format" : `format ${quote(format)}`;
    const remedy = "Open a registers file that was saved by RegScope.";
    throw new InputError(name, `a registers file (format "${FORMAT}")`, got, remedy);
  }
  if (version !== undefined && VERSIONS.some((known) => known === version)) return;
  const isNewer = version !== undefined && /^\d+$/.test(version) && Number(version) > VERSIONS.length;
  throw new InputError(
    name,
    `a registers file of version ${VERSIONS.join(" or ")}`,
    version === undefined ? "no version" : `version ${quote(version)}`,
    isNewer
      ? "A newer RegScope wrote it: upgrade RegScope, or curate the registers anew with this one."
      : AGAIN,
  );
}

/**
 * As {@link openSafetensors}, with the remedy for a registers file in place of a checkpoint's. Where the bytes cannot be had, the
 * source knows better what to do, and its error stays.
 */
async function openFile(source: ByteSource): Promise<Pick<Safetensors, "metadata" | "read">> {
  const { name, size } = source;
  let unread: unknown;
  const read: ByteSource["read"] = async (begin, end) => {
    try {
      return await source.read(begin, end);
    } catch (error) {
      unread = error;
      throw error;
    }
  };
  const retell = (error: unknown): never => {
    if (!(error instanceof InputError) || error === unread) throw error;
    throw new InputError(error.subject, error.expected, error.got, AGAIN);
  };
  const file = await openSafetensors({ name, size, read }).catch(retell);
  return { metadata: file.metadata, read: (key, shape) => file.read(key, shape).catch(retell) };
}
