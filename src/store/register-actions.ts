import type { CurationSettings } from "../regcache/curate.ts";
import type { ImageSource, RegistersInfo } from "../worker/api.ts";
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
  let curation = 0;

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

    /**
     * Curates registers (paper, steps 2 and 3).
     * @param images one set or several of the user's own; null = the probe images of the data set in use, which are never those that are evaluated
     * @param limit at most so many of each set
     */
    async curate(
      images: readonly ImageSource[] | null,
      settings: CurationSettings,
      limit: number,
    ): Promise<void> {
      if (getState().curating || !getState().model) return;
      const id = ++curation;
      setState({ curating: { stage: "Opening the images", done: 0, total: 0 } });
      try {
        const chosen = images
          ? ({ kind: "own", sources: images } as const)
          : ({ kind: "probe", dataset: (await runs.currentDataset()).id } as const);
        if (id !== curation) return;
        const entry = await api.curate({ images: chosen, limit, settings }, (curating) => {
          // Progress travels on a port of its own, so it may come after the result.
          if (id === curation && getState().curating) setState({ curating });
        });
        if (id !== curation) return;
        setState({ curating: null });
        await add(entry);
      } catch (error) {
        if (id !== curation) return;
        setState({ curating: null });
        fail(error);
      }
    },

    async cancelCuration(): Promise<void> {
      curation++;
      setState({ curating: null });
      await api.cancel("curate").catch(fail);
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
