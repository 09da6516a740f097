import { symbol, symbolCircle, symbolDiamond } from "d3-shape";
import type { Domain } from "../figures/log-scale.ts";
import { layerCurve } from "../figures/norm-lines.ts";
import type { Tensor } from "../figures/tensors.ts";
import { LANES, tracesOf } from "../store/state.ts";
import type { Lane } from "../worker/api.ts";
import { CurveChart } from "./curve-chart.tsx";
import { useLabState } from "./lab-context.tsx";

const SYMBOLS: Readonly<Record<Lane, string>> = {
  baseline: symbol(symbolCircle, 24)() ?? "",
  intervention: symbol(symbolDiamond, 30)() ?? "",
};

/** A token's value over the blocks in both lanes, on a fixed log axis. */
export function LayerChart(props: {
  readonly token: number;
  readonly block: number;
  readonly tensor: Tensor;
  readonly domain: Domain;
}) {
  const { token, block, tensor, domain } = props;
  const lanes = useLabState((state) => state.lanes);
  return (
    <CurveChart
      label={`${tensor.label} over the blocks, token ${token}`}
      blocks={lanes.baseline.rows.length}
      domain={domain}
      cursor={block}
      curves={LANES.map((lane) => ({
        id: lane,
        points: layerCurve(tracesOf(lanes[lane]), token, tensor),
        symbol: SYMBOLS[lane],
      }))}
    />
  );
}
