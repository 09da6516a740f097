import type { StoreApi } from "zustand/vanilla";
import { chooseDomain } from "../figures/log-scale.ts";
import { TENSORS, type TensorId } from "../figures/tensors.ts";
import { type Intervention, NO_INTERVENTION } from "../intervention/intervention.ts";
import type { LayerTrace, RunResult } from "../trace/layer-trace.ts";
import type { LabApi, Lane, Progress } from "../worker/api.ts";
import { toIntervention } from "./controls.ts";
import { isCancelled } from "./messages.ts";
import { type LabState, type LaneState, tracesOf } from "./state.ts";

/** Runs lanes and puts their traces into the store, at most once per frame. */
export interface LaneRunner {
  /** Analyses the current image in a lane; earlier work of that lane is superseded. */
  run(lane: Lane): Promise<void>;
  /** Forgets running lanes, e.g. because the model is being replaced. */
  abandon(): void;
}

/**
 * @param schedule calls back soon; the page gives requestAnimationFrame, so that a burst of traces costs one render
 * @param report shows a failure
 * @param calibration opens what a calibrated intervention needs in the worker, and is told what it waits for; null = no more
 */
export function createLaneRunner(
  api: LabApi,
  store: StoreApi<LabState>,
  schedule: (flush: () => void) => void,
  report: (error: unknown) => void,
  calibration: {
    prepare(tell: (progress: Progress) => void): Promise<void>;
    tell(progress: Progress | null): void;
  } = {
    prepare: async () => {},
    tell: () => {},
  },
): LaneRunner {
  const current: Record<Lane, number> = { baseline: 0, intervention: 0 };

  const update = (lane: Lane, change: (state: LaneState) => LaneState) =>
    store.setState((state) => ({ lanes: { ...state.lanes, [lane]: change(state.lanes[lane]) } }));

  async function run(lane: Lane): Promise<void> {
    const { model, image, controls } = store.getState();
    if (!model || !image || !controls) return;
    const id = ++current[lane];
    const intervention: Intervention = lane === "baseline" ? NO_INTERVENTION : toIntervention(controls);
    let pending: LayerTrace[] = [];
    let result: RunResult | null = null;
    let scheduled = false;
    update(lane, (state) => ({
      ...state,
      state: "running",
      rows: state.rows.map((row) => row && { ...row, fresh: false }),
    }));

    const flush = () => {
      scheduled = false;
      if (id !== current[lane]) return;
      const traces = pending;
      pending = [];
      update(lane, (state) => {
        const rows = [...state.rows];
        for (const trace of traces) rows[trace.block] = { trace, fresh: true };
        // Traces and the result travel on different ports, so the result may overtake the last traces.
        const done = result !== null && rows.every((row) => row?.fresh);
        return { rows, state: done ? "done" : state.state, result: done ? result : state.result };
      });
      if (lane === "baseline" && store.getState().lanes.baseline.state === "done") pinDomains(store);
    };
    const flushSoon = () => {
      if (scheduled) return;
      scheduled = true;
      schedule(flush);
    };

    const waits = (progress: Progress | null) => {
      // Progress travels on a port of its own, so it may come after the result.
      if (progress && store.getState().lanes[lane].state !== "running") return;
      if (id === current[lane] && lane === "intervention") calibration.tell(progress);
    };
    try {
      waits(null);
      if (intervention.quantize) await calibration.prepare(waits);
      if (id !== current[lane]) return;
      const onTrace = (trace: LayerTrace) => {
        if (id !== current[lane]) return;
        // Statistics that are taken, and scales that are searched, leave nothing to wait for.
        const { progress } = store.getState().calibration;
        if (progress && progress.done === progress.total) waits(null);
        pending.push(trace);
        flushSoon();
      };
      result = await api.analyse(lane, image.info.id, intervention, onTrace, waits);
      flushSoon();
    } catch (error) {
      if (id !== current[lane]) return;
      update(lane, (state) => ({ ...state, state: isCancelled(error) ? "idle" : "failed" }));
      if (!isCancelled(error)) report(error);
    } finally {
      waits(null);
    }
  }

  return {
    run,
    abandon() {
      current.baseline++;
      current.intervention++;
    },
  };
}

/** Fixes the colour domain of every tensor from the model's first whole baseline run; later runs keep it. */
function pinDomains(store: StoreApi<LabState>): void {
  store.setState(({ view, lanes }) => {
    const traces = tracesOf(lanes.baseline).filter((trace) => trace !== null);
    const domains = { ...view.domains };
    let changed = false;
    for (const tensor of TENSORS) {
      if (domains[tensor.id as TensorId]) continue;
      const domain = chooseDomain(traces.map(tensor.read));
      if (!domain) continue;
      domains[tensor.id] = domain;
      changed = true;
    }
    return changed ? { view: { ...view, domains } } : {};
  });
}
