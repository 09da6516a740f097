import { z } from "zod";
import { InputError } from "../errors/input-error.ts";
import { REGISTER_SLOTS } from "../graph/block.ts";
import { deletionSettingSchema, needsRegisters } from "../intervention/deletion.ts";
import type { Deletion, Prefix } from "../intervention/intervention.ts";

/** A RegCache setting without its registers: what a recommended.json and the command line's flags say. */
export const settingSchema = z.strictObject({
  prefix: z
    .strictObject({
      /** First block with the prefix, 0-based. */
      from: z.int().min(0),
      /** Last block with the prefix, inclusive; the encoder's last when absent. */
      to: z.int().min(0).optional(),
      /** tau, copies of the register. */
      count: z.number().gt(0).max(1024),
      /** Distinct registers, the first so many of the file's; 1 when absent. */
      distinct: z.int().min(1).max(REGISTER_SLOTS).optional(),
    })
    .nullish(),
  delete: deletionSettingSchema.nullish(),
});

export type RegCacheSetting = z.infer<typeof settingSchema>;

/**
 * Reads a recommended.json: the RegCache setting that a model's card recommends.
 * @param file its name, for errors
 * @throws InputError when it is not one
 */
export function parseRecommended(bytes: Uint8Array, file: string): RegCacheSetting {
  const remedy = "Use the file that came with the model.";
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new InputError(file, "JSON", error instanceof Error ? error.message : String(error), remedy);
  }
  const parsed = settingSchema.safeParse(json);
  if (!parsed.success)
    throw new InputError(file, "a RegCache setting", z.prettifyError(parsed.error), remedy);
  return parsed.data;
}

/**
 * Names the registers that a setting uses.
 * @param registers id of the registers in the engine; null = there are none
 * @param blocks L of the encoder
 * @throws InputError when the setting needs registers and there are none
 */
export function applySetting(
  setting: RegCacheSetting,
  registers: string | null,
  blocks: number,
): { prefix: Prefix | null; delete: Deletion | null } {
  const { prefix, delete: deletion } = setting;
  const need = (what: string): string => {
    if (registers !== null) return registers;
    throw new InputError(
      what,
      "registers of this model",
      "none",
      "Give a registers file, or curate registers from a folder of images.",
    );
  };
  return {
    prefix: prefix
      ? {
          registers: need("A prefix"),
          from: prefix.from,
          to: prefix.to ?? blocks - 1,
          count: prefix.count,
          ...(prefix.distinct !== undefined && { distinct: prefix.distinct }),
        }
      : null,
    delete: deletion
      ? { ...deletion, ...(needsRegisters(deletion) && { registers: need("Deletion by similarity") }) }
      : null,
  };
}
