import type { CurationSettings } from "../regcache/curate.ts";
import type { RegistersInfo } from "../worker/api.ts";
import type { LabContext } from "./context.ts";
import type { KeptRegisters } from "./kept-registers.ts";
import type { Runs } from "./runs.ts";

/** Actions that make, open and save registers. */
export function createRegisterActions(
  { api, store, say, fail }: LabContext,
  runs: Runs,
  kept: KeptRegisters,
) {
  const { getState, setState } = store;

  async function add(entry: RegistersInfo): Promise<void> {
    const { model } = getState();
    if (model) await kept.keep(model, entry.id);
    setState(({ model }) => ({
      model: model && {
        ...model,
        registers: [...model.registers.filter(({ id }) => id !== entry.id), entry],
      },
    }));
    runs.setControls((controls) => ({
      ...controls,
      registers: entry.id,
      prefix: { ...controls.prefix, on: true },
    }));
    say("info", `Registers ready: ${entry.label}.`);
  }

  return {
    async openRegisters(file: Blob): Promise<void> {
      try {
        await add(await api.openRegisters(file));
      } catch (error) {
        fail(error);
      }
    },

    /** Curates registers from images of the user's own (paper, steps 2 and 3). */
    async curate(files: readonly File[], settings: CurationSettings): Promise<void> {
      if (getState().curating || files.length === 0) return;
      setState({ curating: { stage: "Curating registers", done: 0, total: files.length } });
      try {
        const images = files.map((file) => ({ name: file.name, blob: file }));
        const entry = await api.curate(images, settings, (curating) => {
          if (getState().curating) setState({ curating });
        });
        setState({ curating: null });
        await add(entry);
      } catch (error) {
        setState({ curating: null });
        fail(error);
      }
    },

    async cancelCuration(): Promise<void> {
      await api.cancel("curate").catch(fail);
      setState({ curating: null });
    },

    /** The chosen registers as a file; null when there are none. */
    async saveRegisters(): Promise<{ readonly name: string; readonly bytes: Uint8Array } | null> {
      const id = getState().controls?.registers ?? null;
      if (id === null) return null;
      try {
        return { name: `registers-${id.slice(0, 8)}.safetensors`, bytes: await api.saveRegisters(id) };
      } catch (error) {
        fail(error);
        return null;
      }
    },
  };
}
