import { encoderKey } from "../encoder/encoder-key.ts";
import { InputError } from "../errors/input-error.ts";
import {
  EXPERIMENT_NAMES,
  EXPERIMENTS,
  type ExperimentKind,
  type ExperimentProgress,
} from "../worker/experiment-api.ts";
import type { LabContext } from "./context.ts";
import { type AskedExperiment, askedExperiment } from "./experiment-request.ts";
import { unfittedHeadKey } from "./head-key.ts";
import type { Runs } from "./runs.ts";
import {
  type ExperimentKey,
  type ExperimentOffer,
  type ExperimentStorage,
  findExperiment,
  forgetExperiment,
  hasExperiments,
  saveExperiment,
} from "./saved-searches.ts";
import type { LabState } from "./state.ts";

/** What is kept of one experiment: nothing where its model and images could not be known again. */
interface KeptExperiment {
  /** Where it goes on; null = nowhere yet. */
  found(): ExperimentProgress | null;
  /** Takes what it can go on from, as it runs. */
  keep(progress: ExperimentProgress): void;
  /** Forgets it, because it is complete. */
  forget(): void;
}

export interface ExperimentOffers {
  /** What is asked for, on the model and images of now, whatever the page moves on to. */
  of(asked: AskedExperiment): KeptExperiment;
}

/** Keeps `experiments.offers` true to the model, the data set, the settings and what they take from the controls. */
export function createExperimentOffers({ host, store, say, fail }: LabContext, runs: Runs): ExperimentOffers {
  const { getState, setState } = store;
  const storage: ExperimentStorage = {
    readStored: host.readStored,
    writeStored: host.writeStored,
    onDamage: (what) =>
      say(
        "error",
        new InputError(
          "An interrupted experiment",
          "what this page keeps of it in the browser",
          what,
          "It cannot go on and is forgotten; everything else is as it was. Start it anew.",
        ).message,
      ),
  };

  function of(asked: AskedExperiment): KeptExperiment {
    const key = keyOf(getState(), asked);
    let isTold = false;
    return {
      found: () => (key && findExperiment(storage, key)?.progress) ?? null,
      keep(progress) {
        if (!key || saveExperiment(storage, key, progress) || isTold) return;
        isTold = true;
        say(
          "info",
          `This ${EXPERIMENT_NAMES[asked.kind]} has grown too long for the browser: what it finds from here on is not kept over a reload.`,
        );
      },
      forget() {
        if (key) forgetExperiment(storage, key);
      },
    };
  }

  function offerOf(kind: ExperimentKind): ExperimentOffer | null {
    try {
      const key = keyOf(getState(), askedExperiment(getState(), kind));
      return key && (findExperiment(storage, key)?.offer ?? null);
    } catch (error) {
      // What cannot be asked for cannot go on either; the user hears why on asking for it.
      if (error instanceof InputError) return null;
      throw error;
    }
  }

  function refresh(): void {
    const { dataset, experiments } = getState();
    const isOpen = dataset.info && !experiments.running;
    const found = EXPERIMENTS.flatMap((kind) => {
      const offer = isOpen ? offerOf(kind) : null;
      return offer ? [[kind, offer] as const] : [];
    });
    const offers: Partial<Record<ExperimentKind, ExperimentOffer>> = Object.fromEntries(found);
    if (JSON.stringify(offers) === JSON.stringify(experiments.offers)) return;
    setState((state) => ({ experiments: { ...state.experiments, offers } }));
  }

  /** Images are compared by their digest: where an experiment over this model is kept, they are opened to know it. */
  function openImages({ model, dataset }: LabState): void {
    if (!model || dataset.info || !hasExperiments(storage, encoderKey(model))) return;
    void runs.currentDataset().catch(fail);
  }

  store.subscribe((state, before) => {
    if (state.model !== before.model) openImages(state);
    const concerns = dependencies(before);
    if (dependencies(state).some((each, i) => each !== concerns[i])) refresh();
  });

  return { of };
}

/** What the offers depend on. */
function dependencies({ model, dataset, experiments, classes, accuracy, controls }: LabState): unknown[] {
  const { settings, running } = experiments;
  const takesControls = settings.quantizer === "controls" || settings.regcache === "controls";
  const { seed, probe } = accuracy;
  const asked = [settings, seed, probe, takesControls ? controls : null];
  return [model, dataset.info, running, classes.embedded, ...asked];
}

/** Stands for the fingerprint of the bundled set. */
const BUNDLED = "bundled";

/** What an experiment is about, where its model and images can be known again. */
function keyOf({ model, dataset, classes }: LabState, asked: AskedExperiment): ExperimentKey | null {
  const { info, request: opened } = dataset;
  // The bundled set comes with the page. Were it another one after an update, the worker would see that by its images.
  const fingerprint = info && (info.fingerprint ?? (opened === null ? BUNDLED : null));
  if (!model || !info || fingerprint === null) return null;
  // Images of the user's own cannot be known again after a reload.
  if (asked.quantize.calibration?.startsWith("own")) return null;
  const head = unfittedHeadKey(model, info, classes.embedded);
  return {
    ...{ model: encoderKey(model), fingerprint },
    asked: concernsOf(asked),
    // The probe matters only where one is fitted.
    head: head ?? (asked.kind === "compare" ? asked.probe : null),
  };
}

/** As much of a request as its kind of experiment depends on. */
function concernsOf(asked: AskedExperiment): ExperimentKey["asked"] {
  const { kind, quantize, by, space, objective, chooseOn, measureOn, seed, distinct, known } = asked;
  const common = { kind, quantize, chooseOn, seed };
  if (kind === "sensitivity") return { ...common, by };
  if (kind === "search") return { ...common, space, objective };
  return { ...common, objective, measureOn, distinct, known };
}
