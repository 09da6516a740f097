import { encoderKey } from "../encoder/encoder-key.ts";
import { CancelledError } from "../errors/input-error.ts";
import { applySetting, type RegCacheSetting } from "../evaluate/recommended.ts";
import type { DeletionCriterion } from "../intervention/deletion.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { DatasetInfo, LabApi, Progress, RegistersInfo } from "../worker/api.ts";
import type { ExperimentKind, ExperimentRequest, ExperimentResult } from "../worker/experiment-api.ts";
import { adoptedQuantizer } from "./adopted-quantizer.ts";
import type { LabContext } from "./context.ts";
import { type Controls, toIntervention, withIntervention } from "./controls.ts";
import { type AskedExperiment, askedExperiment } from "./experiment-request.ts";
import { keepExperiments, readExperiments } from "./kept-experiments.ts";
import type { KeptRegisters } from "./kept-registers.ts";
import { isCancelled } from "./messages.ts";
import type { Runs } from "./runs.ts";
import type { ExperimentOffer } from "./saved-searches.ts";
import { createExperimentOffers } from "./search-offer.ts";

/** What the experiments panel lets its user choose. */
export interface ExperimentSettings extends Pick<ExperimentRequest, "quantizer" | "by" | "objective"> {
  /** Rules of deletion that a search allows. */
  readonly rule: "linf" | "any";
  /** Whether a search lets the prefix end before the last block. */
  readonly anyLast: boolean;
  /** Whether it tries several distinct registers. */
  readonly severalRegisters: boolean;
  /** Whether L-inf and criteria are read after LayerNorm 1 too. */
  readonly postLn: boolean;
  /** Criteria by which it deletes, too. */
  readonly criteria: DeletionCriterion | "none" | "all";
  /** Whether they are tried with a bound on their count, too. */
  readonly capped: boolean;
  /** That bound, tokens of an image. */
  readonly atMost: number;
  /** Of the plain quantizer's weights and activations alike. */
  readonly bits: "w8a8" | "w6a6" | "w4a4";
  /** Images that settings are chosen on. */
  readonly chooseOn: number;
  /** Images that a comparison is measured on. */
  readonly measureOn: number;
  /** Distinct registers of the prefixes that a comparison searches. */
  readonly compareRegisters: number;
  /** What `regcache` is in a comparison: the result of a search, or what the controls say. */
  readonly regcache: "search" | "controls";
}

/** What an experiment found, with what was asked. */
export interface ExperimentRecord {
  readonly request: ExperimentRequest;
  readonly result: ExperimentResult;
  /** false while it runs, and after it was stopped. */
  readonly done: boolean;
}

export interface ExperimentsState {
  readonly running: ExperimentKind | null;
  /** The user has stopped it; it still ends what it is at. */
  readonly stopping: boolean;
  readonly progress: Progress | null;
  /** Latest result of each kind on the current model. */
  readonly records: Readonly<Partial<Record<ExperimentKind, ExperimentRecord>>>;
  readonly settings: ExperimentSettings;
  /** Interrupted experiments that these settings would go on with. */
  readonly offers: Readonly<Partial<Record<ExperimentKind, ExperimentOffer>>>;
  /** The setting that was last put into the controls, and the data set on whose probe images it was chosen. */
  readonly adopted: AdoptedSetting | null;
}

/** A setting of an experiment in the controls. */
export interface AdoptedSetting {
  /** See {@link datasetName}. */
  readonly dataset: string;
  /** See {@link settingText}. */
  readonly setting: string;
}

/** Prefix and deletion as text, equal for equal ones. */
function settingText(controls: Controls): string {
  const { prefix, delete: deletion } = toIntervention(controls);
  return JSON.stringify([prefix, deletion]);
}

/** What a data set is known by: after a reload, too, where it has a fingerprint. */
const datasetName = ({ fingerprint, id }: DatasetInfo) => fingerprint ?? id;

/** Whether the controls' prefix and deletion were chosen on the probe images of an opened data set. */
export function isChosenOn(dataset: DatasetInfo, { adopted }: ExperimentsState, controls: Controls): boolean {
  return adopted?.dataset === datasetName(dataset) && adopted.setting === settingText(controls);
}

export const INITIAL_EXPERIMENTS: ExperimentsState = {
  running: null,
  stopping: false,
  progress: null,
  records: {},
  offers: {},
  adopted: null,
  settings: {
    quantizer: "plain",
    bits: "w8a8",
    by: "linear",
    rule: "any",
    anyLast: false,
    severalRegisters: false,
    postLn: false,
    criteria: "none",
    capped: false,
    atMost: 8,
    objective: "mse",
    // Of fewer images too few tokens are outliers for a curation to be of them.
    chooseOn: 32,
    measureOn: 128,
    compareRegisters: 1,
    regcache: "search",
  },
};

/** l_q of the current model, as the latest experiment that looked for it found it; null before any has. */
export function sensitiveBlockOf({ records }: ExperimentsState): number | null {
  const { sensitivity, search, compare } = records;
  if (sensitivity?.result.kind === "sensitivity") return sensitivity.result.report.mostSensitive.block;
  for (const record of [search, compare]) {
    if (record && record.result.kind !== "sensitivity") return record.result.sensitiveBlock;
  }
  return null;
}

/** No experiment runs. */
const IDLE = { running: null, stopping: false, progress: null } as const;

/** Actions of the experiments panel: one experiment at a time, which ends when its model goes away. */
export function createExperimentActions(context: LabContext, runs: Runs, kept: KeptRegisters) {
  const { api, host, store, fail } = context;
  const offers = createExperimentOffers(context, runs);
  const { getState, setState } = store;
  let current = 0;
  const update = (change: Partial<ExperimentsState>) =>
    setState((state) => ({ experiments: { ...state.experiments, ...change } }));

  update(readExperiments(host, INITIAL_EXPERIMENTS.settings));
  const keep = () => keepExperiments(host, getState().experiments);

  store.subscribe((state, before) => {
    const [now, then] = [state.model, before.model].map((model) => model && encoderKey(model));
    if (now === then) return;
    current++;
    update({ ...IDLE, records: {} });
  });

  /**
   * Runs an experiment; its results so far are shown while it runs.
   * @param resumes whether it is the one that was interrupted
   */
  async function run(kind: ExperimentKind, { resumes = false } = {}): Promise<void> {
    if (getState().experiments.running || !getState().model) return;
    const asked = askedNow(kind);
    if (!asked) return;
    const id = ++current;
    update({
      running: kind,
      stopping: false,
      progress: { stage: "Opening the data set", done: 0, total: 0 },
    });
    let scheduled = false;
    let pending: Partial<ExperimentsState> = {};
    const show = (request: ExperimentRequest, result: ExperimentResult, done: boolean) => ({
      records: { ...getState().experiments.records, [kind]: { request, result, done } },
    });
    const flush = () => {
      scheduled = false;
      if (id === current && getState().experiments.running) update(pending);
    };
    const tell = (change: Partial<ExperimentsState>) => {
      pending = change;
      if (!scheduled) host.schedule(flush);
      scheduled = true;
    };
    try {
      const dataset = await runs.currentDataset();
      if (asked.quantizer === "controls") await runs.prepareCalibration((progress) => tell({ progress }));
      // Until here there was nothing in the worker to stop.
      if (id !== current || getState().experiments.stopping) throw new CancelledError("The experiment");
      const request = { ...asked, dataset: dataset.id };
      const told: Parameters<LabApi["experiment"]>[2] = ({ progress, result }) =>
        tell({ progress, ...(result && show(request, result, false)) });
      const { found, keep: keepProgress, forget } = offers.of(asked);
      const inputs = { classEmbeddings: getState().classes.embedded, resume: resumes ? found() : null };
      const { result } = await api.experiment(request, inputs, told, keepProgress);
      forget();
      if (id === current) update({ ...IDLE, ...show(request, result, true) });
    } catch (error) {
      if (id !== current) return;
      update(IDLE);
      if (!isCancelled(error)) fail(error);
    }
  }

  /** What the settings ask for; null = what they say does not go together, and the user was told. */
  function askedNow(kind: ExperimentKind): AskedExperiment | null {
    try {
      return askedExperiment(getState(), kind);
    } catch (error) {
      fail(error);
      return null;
    }
  }

  return {
    setExperiments(change: Partial<ExperimentSettings>): void {
      update({ settings: { ...getState().experiments.settings, ...change } });
      keep();
    },

    runExperiment: (kind: ExperimentKind) => run(kind),

    /** Goes on with the interrupted experiment that the settings ask for. */
    continueExperiment: (kind: ExperimentKind) => run(kind, { resumes: true }),

    /** Stops the running experiment; what it has found so far stays. */
    async stopExperiment(): Promise<void> {
      if (!getState().experiments.running) return;
      update({ stopping: true });
      await api.cancel("experiment").catch((error) => {
        update({ stopping: false });
        fail(error);
      });
    },

    /**
     * Puts a setting that an experiment found, with its registers, into the controls, whose quantizer takes over its bits (see
     * `adoptedQuantizer`).
     * @param found the experiment's registers: of one, and maybe of several
     */
    async adoptSetting(
      setting: RegCacheSetting,
      found: readonly RegistersInfo[],
      request: ExperimentRequest,
    ): Promise<void> {
      const { model } = getState();
      const count = setting.prefix?.distinct ?? 1;
      const registers = found.find(({ distinct }) => distinct === count);
      if (!model || !registers) return;
      await kept.keep(model, registers.id).catch(fail);
      setState(({ model }) => ({
        model: model && {
          ...model,
          registers: [...model.registers.filter(({ id }) => id !== registers.id), registers],
        },
      }));
      const parts = applySetting(setting, registers.id, model.spec.blocks);
      const own = getState().calibration.own?.number;
      runs.setControls((controls) => ({
        ...withIntervention(controls, { ...NO_INTERVENTION, ...parts }),
        ...adoptedQuantizer(controls, request, own),
        registers: registers.id,
      }));
      const { controls, dataset } = getState();
      if (!controls) return;
      const name = dataset.info?.id === request.dataset ? datasetName(dataset.info) : request.dataset;
      update({ adopted: { dataset: name, setting: settingText(controls) } });
      keep();
    },
  };
}
