import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { toJson, traceReport } from "../trace/trace-report.ts";
import type { Lane } from "../worker/api.ts";
import { toIntervention } from "./controls.ts";
import { type LabState, tracesOf } from "./state.ts";

/**
 * A finished lane as the JSON that `lab trace --full --json` prints: numbers in full precision, for checks and for
 * figures made elsewhere; null while the lane has not finished.
 */
export function laneReport(state: LabState, lane: Lane): string | null {
  const { model, image, controls, lanes } = state;
  const { result, state: progress } = lanes[lane];
  const traces = tracesOf(lanes[lane]).filter((trace) => trace !== null);
  if (!model || !image || !controls || !result || progress !== "done") return null;
  const report = traceReport(
    {
      spec: model.spec,
      sha256: model.sha256,
      image: { file: image.info.name, width: image.info.width, height: image.info.height },
      intervention: lane === "baseline" ? NO_INTERVENTION : toIntervention(controls),
      traces,
      result,
    },
    true,
  );
  return toJson(report);
}
