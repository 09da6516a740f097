import type { RegistersFiles } from "../cache/registers-files.ts";
import type { LabApi, ModelInfo, RegistersInfo } from "../worker/api.ts";

/**
 * Copies of the registers that were curated or opened, by model. They live in the worker, which ends when it crashes
 * or another model takes its place; a model that is opened again gets them back, after a reload, too, where the browser
 * keeps files.
 */
export interface KeptRegisters {
  /** Keeps a copy of registers that the worker holds for the model. */
  keep(model: ModelInfo, id: string): Promise<void>;
  /** Gives a model that was just opened the registers kept for it, the newest first; returns it with them. */
  restore(model: ModelInfo): Promise<ModelInfo>;
}

export function createKeptRegisters(
  api: Pick<LabApi, "openRegisters" | "saveRegisters">,
  storage: RegistersFiles,
): KeptRegisters {
  /** Registers files by sha256 of the model, then by id, the newest last; all of this page, whatever the browser keeps. */
  const kept = new Map<string, Map<string, Blob>>();

  /** Null where a file does not hold what it should: the browser may have damaged it, or an earlier release written it. */
  async function open(id: string, file: Blob): Promise<RegistersInfo | null> {
    try {
      const entry = await api.openRegisters(file);
      return entry.id === id ? entry : null;
    } catch (error) {
      // By name: an error that has crossed threads is of no class. Another one says nothing about the file.
      if (error instanceof Error && error.name === "InputError") return null;
      throw error;
    }
  }

  return {
    async keep({ sha256 }, id) {
      const files = kept.get(sha256) ?? new Map<string, Blob>();
      kept.set(sha256, files);
      const file = new Blob([(await api.saveRegisters(id)).slice()]);
      files.delete(id);
      files.set(id, file);
      await storage.keep(sha256, { id, file });
    },

    async restore(model) {
      const { sha256 } = model;
      const stored = (await storage.list(sha256)).map(({ id, file }) => [id, file] as const);
      const files = new Map([...stored, ...(kept.get(sha256) ?? [])]);
      const registers = [...model.registers];
      for (const [id, file] of [...files].reverse()) {
        if (registers.some((known) => known.id === id)) continue;
        const entry = await open(id, file);
        if (entry) registers.push(entry);
        else await storage.forget(sha256, id);
      }
      return { ...model, registers };
    },
  };
}
