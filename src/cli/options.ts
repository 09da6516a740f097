import { z } from "zod";
import { InputError } from "../errors/input-error.ts";
import { CONFIGURATION_KINDS, type ConfigurationKind } from "../evaluate/configurations.ts";
import { type RegCacheSetting, settingSchema } from "../evaluate/recommended.ts";
import { REGISTER_SLOTS } from "../graph/block.ts";
import {
  DELETION_CRITERIA,
  type DeletionCriterion,
  type DeletionSetting,
  deletedCountSchema,
  deletionSettingSchema,
} from "../intervention/deletion.ts";
import { DELETION_FORM, DELETION_KEYS, deletionFields } from "../intervention/deletion-text.ts";
import { type Quantization, quantizationSchema } from "../intervention/intervention.ts";
import {
  QUANTIZATION_FORM,
  QUANTIZATION_KEYS,
  quantizationFields,
} from "../intervention/quantization-text.ts";
import { CALIBRATION_IMAGES } from "../quantize/calibrate.ts";
import type { CalibrateFlag } from "./open-calibration.ts";

/** The grammars of the command line's flags; each parser throws an InputError that shows the right form. */

const integer = z
  .string()
  .regex(/^-?\d+$/, "an integer")
  .transform(Number);
const decimal = z
  .string()
  .regex(/^\d*\.?\d+(e[+-]?\d+)?$/i, "a number")
  .transform(Number);
const registerCount = integer.pipe(z.int().min(1).max(REGISTER_SLOTS));

/**
 * `key=value,key=value`, in order; a comma belongs to the value unless a key follows it, so paths may hold commas.
 * @param known the keys that there are
 */
function entriesOf(flag: string, text: string, form: string, known: readonly string[]): [string, string][] {
  return text.split(/,(?=[a-z-]+=)/).map((part) => {
    const at = part.indexOf("=");
    if (at < 1) throw badFlag(flag, form, text);
    const key = part.slice(0, at);
    if (!known.includes(key)) {
      throw badFlag(flag, form, `${text} (there is no key ${key}; the keys are ${known.join(", ")})`);
    }
    return [key, part.slice(at + 1)];
  });
}

/** Entries as an object; each key may come once. */
function once(flag: string, text: string, form: string, entries: [string, string][]): Record<string, string> {
  const keys = entries.map(([key]) => key);
  const twice = keys.find((key, i) => keys.indexOf(key) < i);
  if (twice !== undefined) throw badFlag(flag, form, `${text} (${twice} comes twice)`);
  return Object.fromEntries(entries);
}

function pairs(flag: string, text: string, form: string, known: readonly string[]): Record<string, string> {
  return once(flag, text, form, entriesOf(flag, text, form, known));
}

/** As {@link pairs}, with `data`, which may come several times: its values, in their order. */
function pairsWithData(flag: string, text: string, form: string, known: readonly string[]) {
  const entries = entriesOf(flag, text, form, [...known, "data"]);
  const others = entries.filter(([key]) => key !== "data");
  const data = entries.filter(([key]) => key === "data").map(([, value]) => value);
  return { ...once(flag, text, form, others), data };
}

/** What is wrong with each value, and the value as it was typed. */
function check<T>(schema: z.ZodType<T>, value: unknown, flag: string, form: string, text: string): T {
  const parsed = schema.safeParse(value, { reportInput: true, error: plainMessage });
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map(({ path, message, input }) => {
    // A flag that is one value shows it already.
    if (path.length === 0) return message;
    const isTyped = typeof input === "string" || typeof input === "number";
    return `${path.join(".")}: ${message}${isTyped ? `, got ${input}` : ""}`;
  });
  throw badFlag(flag, form, `${text} (${where.join("; ")})`);
}

/** Zod's own words, where they do not speak of the types of the program. */
function plainMessage(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "unrecognized_keys") return `${issue.keys.join(", ")} does not go with the other keys`;
  if (issue.code !== "invalid_type") return undefined;
  if (issue.input === undefined) return "missing";
  return `expected ${issue.expected === "int" ? "an integer" : `a ${issue.expected}`}`;
}

function badFlag(flag: string, form: string, got: string): InputError {
  return new InputError(`--${flag}`, form, got, "See --help.");
}

const PREFIX_KEYS = ["from", "to", "count", "registers"];
const prefixForm = "from=BLOCK,count=N[,to=BLOCK][,registers=N], e.g. from=4,to=11,count=4";

/** `--prefix from=4,to=11,count=4,registers=2`; `to` defaults to the last block, `registers` (distinct ones) to 1. */
export function parsePrefix(text: string): NonNullable<RegCacheSetting["prefix"]> {
  const schema = z
    .strictObject({
      from: integer,
      to: integer.optional(),
      count: decimal,
      registers: integer.optional(),
    })
    .transform(({ registers, ...rest }) =>
      registers === undefined ? rest : { ...rest, distinct: registers },
    )
    .pipe(settingSchema.shape.prefix.unwrap().unwrap());
  return check(schema, pairs("prefix", text, prefixForm, PREFIX_KEYS), "prefix", prefixForm, text);
}

const deleteForm = `${DELETION_FORM}; NAME: ${DELETION_CRITERIA.join(", ")}; e.g. block=7,count=8,by=linf`;

/** `--delete block=7,count=8,by=linf|similarity` or `block=7,criterion=prefixquant`, as {@link DELETION_FORM} says. */
export function parseDelete(text: string): DeletionSetting {
  const fields = deletionFields(pairs("delete", text, deleteForm, DELETION_KEYS));
  return check(deletionSettingSchema, fields, "delete", deleteForm, text);
}

const QUANTIZE_KEYS = ["weights", ...QUANTIZATION_KEYS];
const quantizeForm = `wBITSaBITS[,weights=per-tensor|per-channel][,KEY=VALUE...] with 2 to 8 bits, e.g. w8a8,weights=per-channel; keys: ${QUANTIZATION_FORM}`;

/** `--quantize w8a8[,weights=per-channel][,arithmetic=int8]...`, as {@link QUANTIZATION_FORM} says. */
export function parseQuantize(text: string): Quantization {
  const [, weightBits, activationBits, rest] = /^w([1-9]\d*)a([1-9]\d*)(?:,(.+))?$/i.exec(text) ?? [];
  if (!weightBits || !activationBits) throw badFlag("quantize", quantizeForm, text);
  const { weights, ...others } = rest ? pairs("quantize", rest, quantizeForm, QUANTIZE_KEYS) : {};
  if (others.batch !== undefined && others.range !== "dynamic-batch") {
    const got = `${text} (batch=${others.batch} belongs to ranges per batch: add range=dynamic-batch)`;
    throw badFlag("quantize", quantizeForm, got);
  }
  const value = {
    weightBits: Number(weightBits),
    activationBits: Number(activationBits),
    ...(weights !== undefined && { weightGranularity: weights }),
    ...quantizationFields(others),
  };
  return check(quantizationSchema, value, "quantize", quantizeForm, text);
}

/** Where registers are curated from before a run. */
export interface CurateFlag {
  readonly block: number;
  /** First block of a range up to `block`. */
  readonly from?: number | undefined;
  /** Folders, of which the union is taken. */
  readonly data: readonly string[];
  readonly top: number;
  /** Distinct registers that the tokens are grouped into. */
  readonly registers?: number | undefined;
  /** Images of each folder. */
  readonly limit?: number | undefined;
}

const CURATE_KEYS = ["block", "from", "top", "registers", "limit"];
const curateForm =
  "block=BLOCK,data=FOLDER[,data=FOLDER...][,from=BLOCK][,top=N][,registers=N][,limit=N], e.g. block=6,data=photos,top=100";

const folders = z.array(z.string().min(1)).min(1);

/** `--curate block=6,data=FOLDER,data=FOLDER,top=100,limit=N`; `top` defaults to the paper's 100. */
export function parseCurate(text: string): CurateFlag {
  const schema = z.strictObject({
    block: integer.pipe(z.int().min(0)),
    from: integer.pipe(z.int().min(0)).optional(),
    data: folders,
    top: integer.pipe(z.int().min(1)).default(100),
    registers: registerCount.optional(),
    limit: integer.pipe(z.int().min(1)).optional(),
  });
  const fields = pairsWithData("curate", text, curateForm, CURATE_KEYS);
  return check(schema, fields, "curate", curateForm, text);
}

const calibrateForm = `data=FOLDER[,data=FOLDER...][,limit=N], e.g. data=photos,limit=${CALIBRATION_IMAGES}`;

/** `--calibrate data=FOLDER,data=FOLDER,limit=32`. */
export function parseCalibrate(text: string): CalibrateFlag {
  const schema = z.strictObject({
    data: folders,
    limit: integer.pipe(z.int().min(1)).default(CALIBRATION_IMAGES),
  });
  const fields = pairsWithData("calibrate", text, calibrateForm, ["limit"]);
  return check(schema, fields, "calibrate", calibrateForm, text);
}

/** `--configurations fp32,naive,...`. */
export function parseConfigurations(text: string): ConfigurationKind[] {
  const form = `a comma-separated list of ${CONFIGURATION_KINDS.join(", ")}`;
  return check(z.array(z.enum(CONFIGURATION_KINDS)), text.split(","), "configurations", form, text);
}

/** An integer flag of at least `min`. */
export function parseInteger(flag: string, min: number): (text: string) => number {
  const form = `an integer of at least ${min}`;
  return (text) => check(integer.pipe(z.int().min(min)), text, flag, form, text);
}

/** `--bits 8`: bits of weights and activations. */
export function parseBits(text: string): number {
  return check(integer.pipe(z.int().min(2).max(8)), text, "bits", "an integer from 2 to 8", text);
}

/** `--bits 8,6,4`: one table each. */
export function parseBitsList(text: string): number[] {
  return text.split(",").map(parseBits);
}

/** `--registers 2` of a comparison: how many distinct registers. */
export function parseRegisters(text: string): number {
  return check(registerCount, text, "registers", `a number from 1 to ${REGISTER_SLOTS}`, text);
}

/** `--registers 1,2,4` of a search: numbers of distinct registers. */
export function parseRegistersList(text: string): number[] {
  const form = `a comma-separated list of numbers from 1 to ${REGISTER_SLOTS}`;
  return check(z.array(registerCount), text.split(","), "registers", form, text);
}

/** `--to 7,9,11`, or `any`. */
export function parseLastBlocks(text: string): number[] | "any" {
  if (text === "any") return text;
  return check(
    z.array(integer.pipe(z.int().min(0))),
    text.split(","),
    "to",
    "a comma-separated list of blocks, or any",
    text,
  );
}

/** `--criteria darcet,similarity`, or `all`. */
export function parseCriteria(text: string): DeletionCriterion[] {
  const form = `all, or a comma-separated list of ${DELETION_CRITERIA.join(", ")}`;
  const names = text === "all" ? [...DELETION_CRITERIA] : [...new Set(text.split(","))];
  return check(z.array(z.enum(DELETION_CRITERIA)), names, "criteria", form, text);
}

/** `--at-most 4,8,all` of a search: bounds on what a criterion deletes; `all` = none, null. */
export function parseBounds(text: string): (number | null)[] {
  const form = 'a comma-separated list of numbers from 1 on, or "all" for no bound, e.g. 4,8,all';
  const bounds = z.array(z.union([z.literal("all").transform(() => null), integer.pipe(deletedCountSchema)]));
  return check(bounds, text.split(","), "at-most", form, text);
}

/** A positive number, e.g. 1e-12. */
export function parsePositive(flag: string): (text: string) => number {
  return (text) => check(decimal.pipe(z.number().gt(0)), text, flag, "a positive number", text);
}

/** One of a few words. */
export function parseChoice<const T extends string>(
  flag: string,
  choices: readonly T[],
): (text: string) => T {
  return (text) => check(z.enum(choices), text, flag, `one of ${choices.join(", ")}`, text) as T;
}
