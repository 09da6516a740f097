import { describeValue, topChannel } from "../figures/readout-text.ts";
import { tokenName } from "../figures/token-layout.ts";
import { LANES, type Place } from "../store/state.ts";
import type { Lane } from "../worker/api.ts";
import { useLabState } from "./lab-context.tsx";
import { LANE_NAMES } from "./lane-names.ts";
import { useLitPlace, useScale } from "./use-figure.ts";

/** Exact values of both lanes at the lit place; announced as the keyboard cursor moves. */
export function Readout() {
  const place = useLitPlace();
  const spec = useLabState((state) => state.model?.spec);
  const lanes = useLabState((state) => state.lanes);
  const { tensor } = useScale();
  return (
    <output className="readout" id="readout" aria-live="polite" data-testid="readout">
      {place && spec ? (
        <>
          <span className="readout-place">
            block {place.block} · {tokenName(spec, place.token)}
            {place.token >= 0 && ` · token ${place.token}`}
          </span>
          <span className="muted">{tensor.short}</span>
          {LANES.map((lane) => (
            <span key={lane} data-testid={`readout-${lane}`}>
              <span className={`lane-mark lane-${lane}`} aria-hidden="true" />
              {LANE_NAMES[lane].toLowerCase()}{" "}
              <strong>
                {describeValue(lanes[lane].rows[place.block]?.trace ?? null, place.token, tensor, spec)}
              </strong>
              <Channel lane={lane} place={place} />
            </span>
          ))}
        </>
      ) : (
        "No block has been computed yet."
      )}
    </output>
  );
}

/** The channel of the residual's maximum, where the residual is what the figures show. */
function Channel({ lane, place }: { readonly lane: Lane; readonly place: Place }) {
  const trace = useLabState((state) => state.lanes[lane].rows[place.block]?.trace ?? null);
  const { tensor } = useScale();
  const channel = topChannel(trace, place.token);
  if (tensor.id !== "residual" || channel === null) return null;
  return <span className="muted"> channel {channel}</span>;
}
