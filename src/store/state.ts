import type { EncoderSpec } from "../encoder/spec.ts";
import { DEFAULT_PROBE, type ProbeChoice } from "../evaluate/fit-probe.ts";
import type { Configuration, EvaluationReport } from "../evaluate/report.ts";
import type { Domain } from "../figures/log-scale.ts";
import type { TensorId } from "../figures/tensors.ts";
import type { OutlierCriterionId } from "../measure/outlier-criteria.ts";
import type { LayerTrace, RunResult } from "../trace/layer-trace.ts";
import type { EngineStatus, ImageInfo, Lane, ModelInfo, ModelRequest, Progress } from "../worker/api.ts";
import { type CalibrationState, NO_CALIBRATION } from "./calibration.ts";
import { type ClassesState, INITIAL_CLASSES } from "./class-lists.ts";
import type { Controls } from "./controls.ts";
import type { DatasetState } from "./dataset.ts";
import { type ExperimentsState, INITIAL_EXPERIMENTS } from "./experiments.ts";
import type { MasksState } from "./mask.ts";
import type { Message } from "./messages.ts";
import { CLOSED_PICKER, type PickerState } from "./picker.ts";
import type { Sample } from "./samples.ts";

export const LANES: readonly Lane[] = ["baseline", "intervention"];

/** A block's trace in a lane; `fresh` = it belongs to the current run, otherwise it is shown faded. */
export interface LaneRow {
  readonly trace: LayerTrace;
  readonly fresh: boolean;
}

export interface LaneState {
  readonly state: "idle" | "running" | "done" | "failed";
  /** One entry per block, in order; null = not computed yet. */
  readonly rows: readonly (LaneRow | null)[];
  /** Of the last finished run; null before it. */
  readonly result: RunResult | null;
}

/** A token at a block, in whatever view; token -1 is the prefix. */
export interface Place {
  readonly block: number;
  readonly token: number;
}

export interface OpenImage {
  readonly info: ImageInfo;
  /** Kept, because another model wants other pixels of the same image. */
  readonly blob: Blob;
  /** File name of the bundled sample or scene; null = the user's own. */
  readonly sample: string | null;
}

export interface AccuracyState {
  readonly running: boolean;
  readonly report: EvaluationReport | null;
  /** What is done before the first image: a probe is fitted, a quantizer calibrated. */
  readonly preparing: Progress | null;
  /** Engines that compute `report`. */
  readonly engines: number;
  /** What `report` measured. */
  readonly configurations: readonly Configuration[];
  /** Serialised configurations of `report`; differs from the controls' once they have moved on. */
  readonly measured: string | null;
  readonly limit: number;
  readonly seed: number;
  /** What is fitted where the set's classes are neither the encoder's own nor embedded. */
  readonly probe: ProbeChoice;
  /** Measure again by itself when the intervention changes. */
  readonly follow: boolean;
}

/** A model that is being opened. */
export interface Opening {
  readonly progress: Progress;
  /** Its blocks that have run on the image so far; null = none has. */
  readonly arriving: { readonly spec: EncoderSpec; readonly rows: readonly (LaneRow | null)[] } | null;
}

export interface LabState {
  readonly status: EngineStatus | null;
  readonly samples: readonly Sample[];
  readonly model: ModelInfo | null;
  /** How `model` was opened. */
  readonly modelRequest: ModelRequest | null;
  readonly opening: Opening | null;
  readonly picker: PickerState;
  readonly image: OpenImage | null;
  readonly controls: Controls | null;
  readonly lanes: Readonly<Record<Lane, LaneState>>;
  readonly view: {
    readonly tensor: TensorId;
    readonly criterion: OutlierCriterionId;
    /** Opacity of the patch overlay, 0..1. */
    readonly overlay: number;
    /** Whether the patch overlay colours deleted patches from their neighbours. */
    readonly refill: boolean;
    /** Pinned colour domains of the current model, by tensor. */
    readonly domains: Readonly<Partial<Record<TensorId, Domain>>>;
  };
  /** Chosen place; null = follows the run until the user chooses. */
  readonly selection: Place | null;
  /** Under the pointer or the keyboard cursor. */
  readonly hover: Place | null;
  readonly dataset: DatasetState;
  readonly mask: MasksState;
  readonly calibration: CalibrationState;
  readonly accuracy: AccuracyState;
  readonly experiments: ExperimentsState;
  readonly classes: ClassesState;
  /** Of a curation under way. */
  readonly curating: Progress | null;
  readonly messages: readonly Message[];
}

const EMPTY_LANE: LaneState = { state: "idle", rows: [], result: null };

/** The page before anything is loaded. */
export const INITIAL_STATE: LabState = {
  status: null,
  samples: [],
  model: null,
  modelRequest: null,
  opening: null,
  picker: CLOSED_PICKER,
  image: null,
  controls: null,
  lanes: { baseline: EMPTY_LANE, intervention: EMPTY_LANE },
  view: { tensor: "residual", criterion: "median-100", overlay: 0.75, refill: false, domains: {} },
  selection: null,
  hover: null,
  mask: {},
  calibration: NO_CALIBRATION,
  dataset: { request: null, info: null, opening: false },
  accuracy: {
    running: false,
    report: null,
    preparing: null,
    engines: 1,
    configurations: [],
    measured: null,
    limit: 64,
    seed: 1,
    probe: DEFAULT_PROBE,
    follow: true,
  },
  experiments: INITIAL_EXPERIMENTS,
  classes: INITIAL_CLASSES,
  curating: null,
  messages: [],
};

/** Lanes of a model whose blocks have not run. */
export function emptyLanes(blocks: number): Record<Lane, LaneState> {
  const lane: LaneState = { ...EMPTY_LANE, rows: new Array<null>(blocks).fill(null) };
  return { baseline: lane, intervention: lane };
}

/** The traces of a lane, fresh or faded, by block. */
export function tracesOf(lane: LaneState): readonly (LayerTrace | null)[] {
  return lane.rows.map((row) => row?.trace ?? null);
}
