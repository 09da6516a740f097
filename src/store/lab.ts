import { z } from "zod";
import { createStore } from "zustand/vanilla";
import { InputError } from "../errors/input-error.ts";
import type { BackendChoice, ImageSource, LabApi } from "../worker/api.ts";
import { createClassActions } from "./classes.ts";
import type { LabContext, LabHost } from "./context.ts";
import { createExperimentActions } from "./experiments.ts";
import { routeFiles } from "./file-routing.ts";
import { type LinkState, linkOf, parseHash } from "./hash.ts";
import { createKeptRegisters } from "./kept-registers.ts";
import { createMaskActions } from "./mask.ts";
import { addMessage, errorText, isCancelled } from "./messages.ts";
import { createOpening } from "./opening.ts";
import { createPicker } from "./picker.ts";
import { createRegisterActions } from "./register-actions.ts";
import { createRuns } from "./runs.ts";
import { parseSamples, type Sample } from "./samples.ts";
import { sceneOf } from "./scenes.ts";
import { INITIAL_STATE, type LabState, type Place } from "./state.ts";

const backendSchema = z.enum(["auto", "wasm", "webgpu"]);

/** A folder's files, with their paths in it. */
export type Folder = Omit<Extract<ImageSource, { kind: "files" }>, "kind">;

export type Lab = ReturnType<typeof createLab>;

/** The state of the page and all that can be done to it; knows neither DOM nor React. */
export function createLab(api: LabApi, host: LabHost) {
  const store = createStore<LabState>(() => INITIAL_STATE);
  const { getState, setState } = store;
  let nextMessage = 1;
  const say: LabContext["say"] = (kind, text) =>
    setState((state) => ({ messages: addMessage(state.messages, { id: nextMessage++, kind, text }) }));
  const fail: LabContext["fail"] = (error) => {
    if (!isCancelled(error)) say("error", errorText(error));
  };
  const context: LabContext = { api, host, store, say, fail };
  const runs = createRuns(context);
  const kept = createKeptRegisters(api, host.registersFiles);
  const bundled = { kind: "bundled", url: new URL("models/scenes-vit/", host.baseUrl).href } as const;
  const masks = createMaskActions(context);
  const opening = createOpening(context, runs, kept, bundled, masks.openMask);
  const picker = createPicker(context, opening.openModel);
  const classes = createClassActions(context);
  const registers = createRegisterActions(context, runs, kept);

  function readLink(): LinkState | null {
    try {
      return parseHash(host.readHash());
    } catch (error) {
      fail(error);
      return null;
    }
  }

  function readBackend(): BackendChoice {
    const choice = backendSchema.safeParse(host.backend ?? "auto");
    if (choice.success) return choice.data;
    const expected = backendSchema.options.join(", ");
    const remedy = "It is chosen automatically now; correct the address and reload to choose it.";
    fail(new InputError("?backend in the address", expected, `"${host.backend}"`, remedy));
    return "auto";
  }

  async function readSamples(): Promise<readonly Sample[]> {
    try {
      const file = await host.fetchFile(new URL("samples/samples.json", host.baseUrl).href);
      return parseSamples(file && (await file.text()));
    } catch (error) {
      fail(error);
      return [];
    }
  }

  return {
    store,
    say,
    fail,
    startAccuracy: runs.startAccuracy,
    savedAccuracy: runs.savedAccuracy,
    accuracyElsewhere: runs.accuracyElsewhere,
    continueAccuracy: runs.continueAccuracy,
    stopAccuracy: runs.stopAccuracy,
    setAccuracy: runs.setAccuracy,
    setControls: runs.setControls,
    setCalibration: runs.setCalibration,
    cancelCalibration: runs.cancelCalibration,
    calibrate: runs.calibrate,
    openDataset: runs.openDataset,
    setProbe: runs.setProbe,
    openBundledDataset: runs.openBundledDataset,
    ...registers,
    ...masks,
    ...picker,
    ...classes,
    ...createExperimentActions(context, runs, kept),
    openSample: opening.openSample,
    openScene: opening.openScene,
    openModel: opening.openModel,
    openBundledModel: (): Promise<boolean> => opening.openModel(bundled),
    setOverrides: opening.setOverrides,
    cancelOpening: opening.cancelOpening,

    /** Loads the bundled model and the first bundled image, or what the address asks for. */
    async boot(): Promise<void> {
      const link = readLink();
      const reading = readSamples().then((samples) => setState({ samples }));
      try {
        setState({ status: await api.start(readBackend()) });
      } catch (error) {
        fail(error);
        return;
      }
      const opened = await opening.openModel(bundled, link);
      await reading;
      const { samples, image } = getState();
      // The user may have opened an image of their own meanwhile.
      if (!opened || image) return;
      const scene = sceneOf(link?.sample);
      if (scene !== null) await opening.openScene(scene);
      const sample = samples.find(({ file }) => file === link?.sample) ?? samples[0];
      if (sample && !getState().image) await opening.openSample(sample);
    },

    /** Sorts dropped, pasted or chosen files into models, registers and images, and opens them. */
    async openFiles(files: readonly File[]): Promise<void> {
      const route = routeFiles(files);
      if (route.kind === "model") await opening.openModel({ kind: "files", files: route.files });
      else if (route.kind === "archive") await runs.openDataset({ kind: "zip", file: route.file });
      else if (route.kind === "registers") await registers.openRegisters(route.file);
      else if (route.kind === "lists") {
        for (const file of route.files) await classes.openClassFile(file);
      } else if (route.kind === "image") {
        if (route.ignored > 0) {
          say(
            "info",
            `Opened ${route.file.name}. Files not opened: ${route.ignored}. Choose one image at a time.`,
          );
        }
        await opening.openImage(route.file, route.file.name);
      }
    },

    /** Opens a dropped or chosen folder: a model where weights lie in it, else labelled images. */
    async openFolder(folder: Folder): Promise<void> {
      const model = folder.files.filter(
        ({ path }) => !path.includes("/") && /\.(safetensors|json)$/i.test(path),
      );
      if (model.some(({ path }) => /\.safetensors$/i.test(path))) {
        await opening.openModel({ kind: "files", files: model.map(({ file }) => file) });
      } else {
        await runs.openDataset({ kind: "files", ...folder });
      }
    },

    /** After the worker died: says so, and brings model, settings and image back into the new one. */
    async recover(reason: string): Promise<void> {
      const { modelRequest } = getState();
      const link = linkOf(getState());
      runs.abandon();
      setState({ curating: null, opening: null });
      say("info", `${reason} Model, settings and image are opened again.`);
      if (modelRequest) await opening.openModel(modelRequest, link);
    },

    setView(change: Partial<LabState["view"]>): void {
      setState((state) => ({ view: { ...state.view, ...change } }));
    },
    select(place: Place | null): void {
      setState({ selection: place });
    },
    hover(place: Place | null): void {
      const old = getState().hover;
      if (old?.block !== place?.block || old?.token !== place?.token) setState({ hover: place });
    },
    dismiss(id: number): void {
      setState((state) => ({ messages: state.messages.filter((message) => message.id !== id) }));
    },
  };
}
