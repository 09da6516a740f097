import { z } from "zod";
import { REGISTER_SLOTS } from "../graph/block.ts";
import { DELETION_CRITERIA, MOST_DELETED } from "../intervention/deletion.ts";
import { QUANTIZER_CHOICES } from "../worker/experiment-api.ts";
import type { LabHost } from "./context.ts";
import type { AdoptedSetting, ExperimentSettings } from "./experiments.ts";

type Storage = Pick<LabHost, "readStored" | "writeStored">;

const KEY = "experiments";

/** Most images that settings are chosen on, and that a comparison is measured on. */
export const MOST_CHOSEN_ON = 10_000;
export const MOST_MEASURED_ON = 100_000;

/** What the experiments panel keeps over a reload. */
export interface KeptExperiments {
  readonly settings: ExperimentSettings;
  readonly adopted: AdoptedSetting | null;
}

const settingsSchema = z.object({
  quantizer: z.enum(QUANTIZER_CHOICES),
  bits: z.enum(["w8a8", "w6a6", "w4a4"]),
  by: z.enum(["block", "linear"]),
  rule: z.enum(["linf", "any"]),
  anyLast: z.boolean(),
  severalRegisters: z.boolean(),
  postLn: z.boolean(),
  criteria: z.enum([...DELETION_CRITERIA, "none", "all"]),
  capped: z.boolean(),
  atMost: z.int().min(1).max(MOST_DELETED),
  objective: z.enum(["mse", "accuracy"]),
  chooseOn: z.int().min(1).max(MOST_CHOSEN_ON),
  measureOn: z.int().min(1).max(MOST_MEASURED_ON),
  compareRegisters: z.int().min(1).max(REGISTER_SLOTS),
  regcache: z.enum(["search", "controls"]),
}) satisfies z.ZodType<ExperimentSettings>;

const adoptedSchema = z.object({ dataset: z.string(), setting: z.string() });

/** What is kept; of what cannot be read, value by value, the defaults. */
export function readExperiments(storage: Storage, defaults: ExperimentSettings): KeptExperiments {
  const { settings, adopted } = z
    .object({
      settings: z.record(z.string(), z.unknown()).catch({}),
      adopted: adoptedSchema.nullable().catch(null),
    })
    .catch({ settings: {}, adopted: null })
    .parse(parsed(storage.readStored(KEY)));
  // A later version may know other values of some settings, and then the rest is still what was chosen.
  const readable = Object.entries(settingsSchema.shape).flatMap(([name, schema]) => {
    const { success, data } = schema.safeParse(settings[name]);
    return success ? [[name, data]] : [];
  });
  return { settings: { ...defaults, ...Object.fromEntries(readable) }, adopted };
}

/** Keeps settings and the setting that was put into the controls. */
export function keepExperiments(storage: Storage, { settings, adopted }: KeptExperiments): void {
  storage.writeStored(KEY, JSON.stringify({ settings, adopted }));
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
