import { InputError } from "../errors/input-error.ts";
import { parseRecommended, type RegCacheSetting } from "../evaluate/recommended.ts";
import type { Arrival, ModelInfo, ModelOverrides, ModelRequest, NamedImage } from "../worker/api.ts";
import type { LabContext } from "./context.ts";
import { defaultControls, linkedControls } from "./defaults.ts";
import { type LinkState, linkOf } from "./hash.ts";
import { keepOverrides, withKeptOverrides } from "./kept-overrides.ts";
import type { KeptRegisters } from "./kept-registers.ts";
import { masksAlone } from "./mask.ts";
import { isCancelled } from "./messages.ts";
import type { Runs } from "./runs.ts";
import type { Sample } from "./samples.ts";
import { emptyLanes, type Opening } from "./state.ts";

/** The opening with one more block that has run. */
function withArrival(opening: Opening, { spec, trace }: Arrival): Opening {
  const rows = [...(opening.arriving?.rows ?? new Array<null>(spec.blocks).fill(null))];
  rows[trace.block] = { trace, fresh: true };
  return { ...opening, arriving: { spec, rows } };
}

/** Actions that open models and images. A failure leaves the current model, image and settings as they were. */
export function createOpening(
  { api, host, store, fail, say }: LabContext,
  runs: Runs,
  kept: KeptRegisters,
  bundled: ModelRequest,
  openMask: (file: File) => Promise<void>,
) {
  const { getState, setState } = store;
  // Later work supersedes earlier work of the same kind, whichever answers first.
  let modelWork = 0;
  let imageWork = 0;
  /** Opened models; an opening that fails leaves the one before. */
  let models = 0;
  /** What was opened last and known to be right. */
  let sound: { readonly request: ModelRequest; readonly link: LinkState | null } = {
    request: bundled,
    link: null,
  };

  /** @param mask of the image, where it comes with one */
  async function openImage(
    blob: Blob,
    name: string,
    sample: string | null = null,
    mask: NamedImage | null = null,
  ): Promise<void> {
    const id = ++imageWork;
    try {
      const info = await api.openImage(blob, name);
      if (id !== imageWork) return;
      // Another picture has its outliers elsewhere, so the views follow the run again.
      setState({ image: { info, blob, sample }, selection: null, hover: null });
      runs.saveLink();
      if (mask) void openMask(new File([mask.blob], mask.name));
      await runs.runBoth();
    } catch (error) {
      if (id === imageWork) fail(error);
    }
  }

  async function openSample({ file }: Sample): Promise<void> {
    const id = ++imageWork;
    try {
      const blob = await host.fetchFile(new URL(`samples/${file}`, host.baseUrl).href);
      if (id !== imageWork) return;
      if (!blob) throw new InputError(file, "a bundled image", "no such file", "Choose another image.");
      await openImage(blob, file, file);
    } catch (error) {
      if (id === imageWork) fail(error);
    }
  }

  /** A scene of the bundled test set, with its exact mask. */
  async function openScene(index: number): Promise<void> {
    const id = ++imageWork;
    try {
      const { image, mask } = await api.scene(new URL("datasets/scenes/", host.baseUrl).href, index);
      if (id === imageWork) await openImage(image.blob, image.name, image.name, mask);
    } catch (error) {
      if (id === imageWork) fail(error);
    }
  }

  async function readRecommended(request: ModelRequest): Promise<RegCacheSetting | null> {
    if (request.kind !== "bundled") return null;
    const file = await host.fetchFile(new URL("recommended.json", request.url).href);
    return file && parseRecommended(new Uint8Array(await file.arrayBuffer()), "recommended.json");
  }

  async function firstControls(model: ModelInfo, request: ModelRequest, link: LinkState | null) {
    const recommended = await readRecommended(request).catch((error: unknown) => {
      fail(error);
      return null;
    });
    const defaults = defaultControls(model.spec, model.registers, recommended);
    if (!link) return defaults;
    const { controls, misfits } = linkedControls(defaults, link, model.spec, model.registers);
    for (const each of misfits) fail(each);
    return controls;
  }

  /** Replaces the model once the new one has loaded whole, and shows the current image with it. */
  async function openModel(asked: ModelRequest, link: LinkState | null = null): Promise<boolean> {
    const id = ++modelWork;
    const request = withKeptOverrides(host, asked);
    setState({ opening: { progress: { stage: "Opening the model", done: 0, total: 0 }, arriving: null } });
    const update = (change: (opening: Opening) => Opening) => {
      const { opening } = getState();
      if (id === modelWork && opening) setState({ opening: change(opening) });
    };
    const shown = getState().image;
    try {
      const opened = await api.openModel(
        request,
        (progress) => update((opening) => ({ ...opening, progress })),
        shown && { name: shown.info.name, blob: shown.blob },
        (arrival) => update((opening) => withArrival(opening, arrival)),
      );
      if (id !== modelWork) return false;
      const model = await kept.restore(opened);
      if (id !== modelWork) return false;
      keepOverrides(host, request);
      runs.abandon();
      const controls = await firstControls(model, request, link);
      if (id !== modelWork) return false;
      noteSound();
      setState((state) => ({
        model,
        modelRequest: request,
        status: model.status,
        controls,
        lanes: emptyLanes(model.spec.blocks),
        view: { ...state.view, domains: {} },
        mask: masksAlone(state.mask),
        selection: null,
        hover: null,
        opening: null,
        // The data set is opened again in the new model's worker when it is needed.
        dataset: { ...state.dataset, info: null },
        accuracy: { ...state.accuracy, running: false, preparing: null, report: null, measured: null },
        // What ran in the worker before ended with it, even where the same model was opened again.
        experiments: { ...state.experiments, running: null, progress: null },
        curating: null,
        calibration: { ...state.calibration, opened: null, progress: null, cancelled: false },
        // The same checkpoint opened again has the same text tower.
        classes: {
          ...state.classes,
          embedding: null,
          downloading: null,
          embedded: state.model?.sha256 === model.sha256 ? state.classes.embedded : null,
        },
      }));
      void followCheck(++models);
      const { image } = getState();
      if (image) await openImage(image.blob, image.info.name, image.sample);
      return true;
    } catch (error) {
      if (id !== modelWork) return false;
      setState({ opening: null });
      fail(error);
      if (asked !== sound.request) await replaceDamaged();
      return false;
    }
  }

  /** Remembers the model in use, if it was checked, with its settings, before another takes its place. */
  function noteSound(): void {
    const { model, modelRequest } = getState();
    if (model?.integrity === "checked" && modelRequest) {
      sound = { request: modelRequest, link: linkOf(getState()) };
    }
  }

  /** Waits for the check of a model that is in use already; a damaged one gives way to what was opened before it. */
  async function followCheck(which: number): Promise<void> {
    if (getState().model?.integrity !== "checking") return;
    const note = (integrity: ModelInfo["integrity"]) =>
      setState(({ model }) => (model && which === models ? { model: { ...model, integrity } } : {}));
    try {
      await api.modelChecked();
      note("checked");
    } catch (error) {
      if (which !== models || isCancelled(error)) return;
      note("damaged");
      fail(error);
      await replaceDamaged();
    }
  }

  /** Unless the user is opening another model anyway. */
  async function replaceDamaged(): Promise<void> {
    const { model, opening } = getState();
    if (opening || model?.integrity !== "damaged") return;
    say("info", "The model that was open before is opened again.");
    await openModel(sound.request, sound.link);
  }

  return {
    openImage,
    openSample,
    openScene,
    openModel,

    /** Reads the current files again under other assumptions; those that are not named stay. */
    async setOverrides(overrides: ModelOverrides): Promise<void> {
      const { modelRequest } = getState();
      if (!modelRequest || modelRequest.kind === "bundled") return;
      await openModel({ ...modelRequest, overrides: { ...modelRequest.overrides, ...overrides } });
    },

    async cancelOpening(): Promise<void> {
      modelWork++;
      setState({ opening: null });
      await api.cancel("openModel").catch(fail);
    },
  };
}
