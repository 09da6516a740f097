import { readOut, type ScoredClass } from "../evaluate/readout.ts";
import { formatPercent } from "../figures/format.ts";
import { LANES } from "../store/state.ts";
import type { Lane } from "../worker/api.ts";
import { useLabState } from "./lab-context.tsx";
import { LANE_NAMES } from "./lane-names.ts";

/** What the encoder takes the image for in each lane: by its class embeddings, or by its own head. */
export function TopClasses() {
  const readout = useReadout("baseline");
  if (!readout) return null;
  return (
    <section className="panel" aria-labelledby="top-heading">
      <h2 id="top-heading">
        Top 5 <small data-testid="top-head">{readout.head}</small>
      </h2>
      <div className="overlays">
        {LANES.map((lane) => (
          <LaneTop key={lane} lane={lane} />
        ))}
      </div>
      {!readout.exclusive && (
        <p className="hint">Each class alone (sigmoid): these need not add up to 100 %.</p>
      )}
    </section>
  );
}

function useReadout(lane: Lane) {
  const spec = useLabState((state) => state.model?.spec);
  const result = useLabState((state) => state.lanes[lane].result);
  const embedded = useLabState((state) => state.classes.embedded);
  return spec && result ? readOut(result, spec, embedded) : null;
}

function LaneTop({ lane }: { readonly lane: Lane }) {
  const readout = useReadout(lane);
  const state = useLabState((current) => current.lanes[lane].state);
  return (
    <div
      className={state === "done" ? "top-classes" : "top-classes faded"}
      data-testid={`top-${lane}`}
      data-state={state}
    >
      <h3>
        <span className={`lane-mark lane-${lane}`} aria-hidden="true" /> {LANE_NAMES[lane]}
      </h3>
      {readout && (
        <ol>
          {readout.top.map((entry, rank) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two classes may have one name (ImageNet's "crane")
            <TopRow key={rank} lane={lane} entry={entry} />
          ))}
        </ol>
      )}
    </div>
  );
}

function TopRow({
  lane,
  entry: { label, probability },
}: {
  readonly lane: Lane;
  readonly entry: ScoredClass;
}) {
  return (
    <li data-label={label} data-probability={probability}>
      <span
        className={`top-fill top-fill-${lane}`}
        style={{ width: `${100 * probability}%` }}
        aria-hidden="true"
      />
      <span className="top-label" title={label}>
        {label}
      </span>
      <span className="top-value">{formatPercent(probability)}</span>
    </li>
  );
}
