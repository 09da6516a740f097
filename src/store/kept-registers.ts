import type { LabApi, ModelInfo } from "../worker/api.ts";

/**
 * Copies of the registers that were curated or opened, by model. They live in the worker, which ends when it crashes
 * or another model takes its place; a model that is opened again gets them back.
 */
export interface KeptRegisters {
  /** Keeps a copy of registers that the worker holds for the model. */
  keep(model: ModelInfo, id: string): Promise<void>;
  /** Gives a model that was just opened the registers kept for it; returns it with them. */
  restore(model: ModelInfo): Promise<ModelInfo>;
}

export function createKeptRegisters(api: Pick<LabApi, "openRegisters" | "saveRegisters">): KeptRegisters {
  /** Registers files by sha256 of the model, then by id. */
  const kept = new Map<string, Map<string, Blob>>();

  return {
    async keep({ sha256 }, id) {
      const files = kept.get(sha256) ?? new Map<string, Blob>();
      kept.set(sha256, files);
      files.set(id, new Blob([(await api.saveRegisters(id)).slice()]));
    },

    async restore(model) {
      const files = [...(kept.get(model.sha256) ?? [])].filter(
        ([id]) => !model.registers.some((known) => known.id === id),
      );
      const registers = [...model.registers];
      for (const [, file] of files) registers.push(await api.openRegisters(file));
      return { ...model, registers };
    },
  };
}
