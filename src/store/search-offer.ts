import { InputError } from "../errors/input-error.ts";
import type { SearchProgress } from "../regcache/search-state.ts";
import type { ExperimentRequest } from "../worker/experiment-api.ts";
import type { LabContext } from "./context.ts";
import { encoderKey } from "./encoder-key.ts";
import { experimentRequest } from "./experiment-request.ts";
import { unfittedHeadKey } from "./head-key.ts";
import type { Runs } from "./runs.ts";
import {
  findSearch,
  forgetSearch,
  hasSearches,
  type SearchKey,
  type SearchStorage,
  saveSearch,
} from "./saved-searches.ts";
import type { LabState } from "./state.ts";

/** What is kept of one search: nothing where its model and images could not be known again. */
interface KeptSearch {
  /** Where it goes on; null = nowhere yet. */
  found(): SearchProgress | null;
  /** Takes what it can go on from, as it runs. */
  keep(progress: SearchProgress): void;
  /** Forgets it, because it is complete. */
  forget(): void;
}

export interface SearchOffer {
  /** The search that a request asks for, on the model and images of now, whatever the page moves on to. */
  of(request: ExperimentRequest): KeptSearch;
}

/** Keeps `experiments.offer` true to the model, the data set and the settings. */
export function createSearchOffer({ host, store, say, fail }: LabContext, runs: Runs): SearchOffer {
  const { getState, setState } = store;
  const storage: SearchStorage = {
    readStored: host.readStored,
    writeStored: host.writeStored,
    onDamage: (what) =>
      say(
        "error",
        new InputError(
          "An interrupted search",
          "what this page keeps of it in the browser",
          what,
          "It cannot go on and is forgotten; everything else is as it was. Start it anew.",
        ).message,
      ),
  };

  function of(request: ExperimentRequest): KeptSearch {
    const key = keyOf(getState(), request);
    let isTold = false;
    return {
      found: () => key && findSearch(storage, key),
      keep(progress) {
        if (!key || saveSearch(storage, key, progress) || isTold) return;
        isTold = true;
        say(
          "info",
          "This search has grown too long for the browser: what it finds from here on is not kept over a reload.",
        );
      },
      forget() {
        if (key) forgetSearch(storage, key);
      },
    };
  }

  function refresh(): void {
    const { dataset, experiments } = getState();
    const isOpen = dataset.info && !experiments.running;
    const found = isOpen ? of(experimentRequest(getState(), "search", dataset.info.id)).found() : null;
    const evaluations = found?.evaluations ?? null;
    if (evaluations === experiments.offer) return;
    setState((state) => ({ experiments: { ...state.experiments, offer: evaluations } }));
  }

  /** Images are compared by their digest: where a search over this model is kept, they are opened to know it. */
  function openImages({ model, dataset }: LabState): void {
    if (!model || dataset.info || !hasSearches(storage, encoderKey(model))) return;
    void runs.currentDataset().catch(fail);
  }

  store.subscribe((state, before) => {
    if (state.model !== before.model) openImages(state);
    const concerns = dependencies(before);
    if (dependencies(state).some((each, i) => each !== concerns[i])) refresh();
  });

  return { of };
}

/** What the offer depends on. */
function dependencies({ model, dataset, experiments, classes, accuracy }: LabState): unknown[] {
  const { settings, running } = experiments;
  return [model, dataset.info, settings, running, classes.embedded, accuracy.seed];
}

/** Stands for the fingerprint of the bundled set. */
const BUNDLED = "bundled";

/** What a search is about, where its model and images can be known again. */
function keyOf({ model, dataset, classes }: LabState, request: ExperimentRequest): SearchKey | null {
  const { info, request: opened } = dataset;
  // The bundled set comes with the page. Were it another one after an update, so would be the registers, and the worker refuses the scores.
  const fingerprint = info && (info.fingerprint ?? (opened === null ? BUNDLED : null));
  if (!model || !info || fingerprint === null) return null;
  const { quantize, space, objective, chooseOn, seed } = request;
  return {
    model: encoderKey(model),
    fingerprint,
    ...{ quantize, space, objective, chooseOn, seed },
    head: unfittedHeadKey(model, info, classes.embedded),
  };
}
