import { z } from "zod";
import { InputError } from "../errors/input-error.ts";
import type { Deletion } from "../intervention/deletion.ts";
import { deletionFields, deletionPairs } from "../intervention/deletion-text.ts";
import { type Intervention, interventionSchema, NO_INTERVENTION } from "../intervention/intervention.ts";
import { quantizationFields, quantizationPairs } from "../intervention/quantization-text.ts";
import { toIntervention } from "./controls.ts";
import type { LabState } from "./state.ts";

/** What a link restores. */
export interface LinkState {
  readonly intervention: Intervention;
  /** File name of a bundled sample, or a scene of the test set (see `sceneName`); null = another image, which a link cannot carry. */
  readonly sample: string | null;
}

/** The link to what is shown; null before a model is. */
export function linkOf({ controls, image }: Pick<LabState, "controls" | "image">): LinkState | null {
  return controls && { intervention: toIntervention(controls), sample: image?.sample ?? null };
}

const numeral = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .transform(Number);

const fields = z.strictObject({
  prefix: z
    .tuple([z.string(), numeral, numeral, numeral])
    .or(z.tuple([z.string(), numeral, numeral, numeral, numeral]))
    .optional(),
  delete: z.tuple([numeral], z.string()).optional(),
  quantize: z.tuple([numeral, numeral, z.string()], z.string()).optional(),
  sample: z.tuple([z.string().regex(/^[\w.-]+$/)]).optional(),
});

/** `#prefix=<registers>,<from>,<to>,<count>[,<distinct>]&delete=<block>,<count>,<by>[,<registers>][,tensor=post-ln]&quantize=8,8,per-tensor[,arithmetic=int8...]&sample=<file>`; a deletion by criterion is `delete=<block>,criterion=<name>[,above=...][,at-most=...]`. */
export function writeHash({ intervention, sample }: LinkState): string {
  const { prefix, delete: deletion, quantize } = intervention;
  const parts: [string, readonly (string | number)[]][] = [];
  if (prefix) {
    const { registers, from, to, count, distinct } = prefix;
    parts.push(["prefix", [registers, from, to, count, ...(distinct === undefined ? [] : [distinct])]]);
  }
  if (deletion) parts.push(["delete", deletionValues(deletion)]);
  if (quantize) {
    const { weightBits, activationBits, weightGranularity } = quantize;
    const others = quantizationPairs(quantize).map(([key, value]) => `${key}=${value}`);
    parts.push(["quantize", [weightBits, activationBits, weightGranularity, ...others]]);
  }
  if (sample !== null) parts.push(["sample", [sample]]);
  if (parts.length === 0) return "";
  return `#${parts.map(([key, values]) => `${key}=${values.map(encode).join(",")}`).join("&")}`;
}

/** Percent-encoded; `=` and `+` need not be, and read better bare. */
function encode(value: string | number): string {
  return encodeURIComponent(value).replaceAll("%3D", "=").replaceAll("%2B", "+");
}

function invalid(got: string): InputError {
  return new InputError(
    "The link",
    "#prefix=registers,from,to,count[,distinct]&delete=block,count,linf|similarity|criterion=name&quantize=bits,bits,per-tensor|per-channel[,key=value...]&sample=file",
    got,
    "The default settings are used; set them in the controls and copy the address again.",
  );
}

/**
 * Reads the hash of the address; null when it is empty.
 * @throws InputError when it is not a state that {@link writeHash} writes.
 */
export function parseHash(hash: string): LinkState | null {
  const text = hash.replace(/^#/, "");
  if (text === "") return null;
  const raw: Record<string, string[]> = {};
  for (const part of text.split("&")) {
    const at = part.indexOf("=");
    if (at < 1) throw invalid(`"${part.slice(0, 60)}"`);
    try {
      raw[part.slice(0, at)] = part
        .slice(at + 1)
        .split(",")
        .map(decodeURIComponent);
    } catch {
      throw invalid(`"${part.slice(0, 60)}", which is not percent-encoded text`);
    }
  }
  const parsed = fields.safeParse(raw);
  if (!parsed.success) throw invalid(firstIssue(parsed.error));
  const { prefix, delete: deletion, quantize, sample } = parsed.data;
  const intervention = interventionSchema.safeParse({
    ...NO_INTERVENTION,
    prefix: prefix
      ? {
          registers: prefix[0],
          from: prefix[1],
          to: prefix[2],
          count: prefix[3],
          ...(prefix.length === 5 && { distinct: prefix[4] }),
        }
      : null,
    delete: deletion ? readDeletion(deletion.map(String)) : null,
    quantize: quantize
      ? {
          weightBits: quantize[0],
          activationBits: quantize[1],
          weightGranularity: quantize[2],
          ...readPairs(quantize.slice(3).map(String)),
        }
      : null,
  });
  if (!intervention.success) throw invalid(firstIssue(intervention.error));
  return { intervention: intervention.data, sample: sample?.[0] ?? null };
}

/** Values of a deletion that stand first and need no name; the others are pairs. */
const UNNAMED = ["block", "count", "by", "registers"];

function deletionValues(deletion: Deletion): string[] {
  const values = new Map(deletionPairs(deletion));
  const bare: string[] = [];
  for (const name of UNNAMED) {
    const value = values.get(name);
    if (value === undefined || value.includes("=")) break;
    bare.push(value);
    values.delete(name);
  }
  return [...bare, ...[...values].map((pair) => pair.join("="))];
}

function readDeletion(values: readonly string[]): Record<string, unknown> {
  const firstNamed = values.findIndex((value) => value.includes("="));
  const bare = firstNamed < 0 ? values : values.slice(0, firstNamed);
  if (bare.length > UNNAMED.length) throw invalid(`delete settings "${values.join(",").slice(0, 60)}"`);
  const unnamed = bare.map((value, i): [string, string] => [UNNAMED[i]!, value]);
  return deletionFields({ ...Object.fromEntries(unnamed), ...pairsOf(values.slice(bare.length)) });
}

/** `key=value` texts. */
function pairsOf(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text): [string, string] => {
    const at = text.indexOf("=");
    return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

/** `key=value` texts of a quantization's further settings. */
function readPairs(texts: readonly string[]): Record<string, unknown> {
  const read = quantizationFields(pairsOf(texts));
  if (read) return read;
  throw invalid(`quantize settings "${texts.join(",").slice(0, 60)}"`);
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return `${issue?.path.join(".") || "the address"}: ${issue?.message ?? "not readable"}`;
}
