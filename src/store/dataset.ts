import type { StoreApi } from "zustand/vanilla";
import type { EncoderSpec } from "../encoder/spec.ts";
import type { DatasetInfo, DatasetRequest, ImageSource, LabApi } from "../worker/api.ts";
import type { LabState } from "./state.ts";

/** The labelled set that the accuracy is measured on. */
export interface DatasetState {
  /** null = the bundled set. */
  readonly request: DatasetRequest | null;
  /** As the current worker opened it; null = it has not yet, e.g. because the model, and so the worker, is new. */
  readonly info: DatasetInfo | null;
  readonly opening: boolean;
}

/** For people: where the training images of a probe come from. */
export function probeName(probe: ImageSource): string {
  if (probe.kind === "files") return probe.name;
  if (probe.kind === "hub") return probe.request.dataset;
  return probe.kind === "zip" ? probe.file.name : probe.url;
}

/** Every model that is opened, and with it every worker, has a spec of its own. */
interface OpeningKey {
  readonly request: DatasetRequest | null;
  readonly spec: EncoderSpec | undefined;
}

/**
 * Actions on the data set. A set that cannot be opened leaves the one in use as it was.
 * @param bundled absolute URL of the bundled set's folder
 * @param replaced called after another set was opened
 */
export function createDatasets(
  api: LabApi,
  store: StoreApi<LabState>,
  bundled: string,
  replaced: () => void,
  report: (error: unknown) => void,
) {
  let work = 0;
  /** The set in use while {@link current} opens it: the worker keeps one set only, so whoever wants it must get the same. */
  let opening: { readonly of: OpeningKey; readonly done: Promise<DatasetInfo> } | null = null;
  const update = (change: Partial<DatasetState>) =>
    store.setState((state) => ({ dataset: { ...state.dataset, ...change } }));
  const open = (request: DatasetRequest | null) =>
    api.openDataset(request ?? { images: { kind: "sheet", url: bundled }, probe: null });

  async function replace(request: DatasetRequest | null): Promise<void> {
    const id = ++work;
    update({ opening: true });
    try {
      const info = await open(request);
      if (id !== work) return;
      update({ request, info, opening: false });
      replaced();
    } catch (error) {
      if (id !== work) return;
      update({ opening: false });
      report(error);
    }
  }

  /** The set in use, opened in the current worker if it is not yet. */
  async function current(): Promise<DatasetInfo> {
    const { dataset, model } = store.getState();
    if (dataset.info) return dataset.info;
    const { request } = dataset;
    const of: OpeningKey = { request, spec: model?.spec };
    if (opening?.of.request !== request || opening.of.spec !== of.spec) {
      opening = { of, done: openInUse(of) };
    }
    return opening.done;
  }

  async function openInUse(of: OpeningKey): Promise<DatasetInfo> {
    try {
      const opened = await open(of.request);
      // The user may have chosen another one meanwhile.
      const { dataset, model } = store.getState();
      const isInUse = dataset.request === of.request && model?.spec === of.spec;
      if (isInUse && !dataset.info) update({ info: opened });
      return opened;
    } finally {
      if (opening?.of === of) opening = null;
    }
  }

  return {
    current,

    /** Opens images of the user's own; the training images chosen before belong to other classes. */
    openDataset: (images: ImageSource): Promise<void> => replace({ images, probe: null }),

    /** Chooses the images that a probe is fitted on; null = a part of the set is held out. */
    async setProbe(probe: ImageSource | null): Promise<void> {
      const { request } = store.getState().dataset;
      if (request) await replace({ ...request, probe });
    },

    openBundledDataset: (): Promise<void> => replace(null),
  };
}
