import type { CurationSettings } from "../regcache/curate.ts";
import type { ImageSource, RegistersInfo } from "../worker/api.ts";
import type { LabContext } from "./context.ts";
import type { KeptRegisters } from "./kept-registers.ts";
import { idsFor } from "./prefix-choice.ts";
import type { Runs } from "./runs.ts";

/** Actions that make, open and save registers. */
export function createRegisterActions(
  { api, store, say, fail }: LabContext,
  runs: Runs,
  kept: KeptRegisters,
) {
  const { getState, setState } = store;
  let curation = 0;

  /** Adds registers that the worker holds to the model's, and puts the first of them into the prefix. */
  async function add(entries: readonly [RegistersInfo, ...RegistersInfo[]]): Promise<void> {
    const { model } = getState();
    const [chosen] = entries;
    if (model) for (const { id } of entries) await kept.keep(model, id);
    setState(({ model }) => ({
      model: model && {
        ...model,
        registers: [
          ...model.registers.filter(({ id }) => !entries.some((each) => each.id === id)),
          ...entries,
        ],
      },
    }));
    const known = getState().model?.registers ?? [];
    runs.setControls((controls) => {
      const { registers, alternative } = idsFor(chosen, controls.registers, known);
      return { ...controls, registers, prefix: { ...controls.prefix, on: true, alternative } };
    });
    say("info", `Registers ready: ${chosen.label}.`);
  }

  return {
    async openRegisters(file: Blob): Promise<void> {
      try {
        await add([await api.openRegisters(file)]);
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
        const entries = await api.curate({ images: chosen, limit, settings }, (curating) => {
          // Progress travels on a port of its own, so it may come after the result.
          if (id === curation && getState().curating) setState({ curating });
        });
        if (id !== curation) return;
        setState({ curating: null });
        await add(entries);
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

    /** The chosen registers, or what stands in for them in the prefix, as a file; null when there are none. */
    async saveRegisters(
      which: "registers" | "stand-in" = "registers",
    ): Promise<{ readonly name: string; readonly bytes: Uint8Array } | null> {
      const { controls } = getState();
      const id = (which === "stand-in" ? controls?.prefix.alternative : controls?.registers) ?? null;
      if (id === null) return null;
      const kind = which === "stand-in" ? `${controls?.prefix.kind}-` : "";
      try {
        return { name: `${kind}registers-${id.slice(0, 8)}.safetensors`, bytes: await api.saveRegisters(id) };
      } catch (error) {
        fail(error);
        return null;
      }
    },
  };
}
