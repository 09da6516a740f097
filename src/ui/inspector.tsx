import { formatMagnitude } from "../figures/format.ts";
import { describeValue, topChannel } from "../figures/readout-text.ts";
import { TENSORS, tensorOf } from "../figures/tensors.ts";
import { tokenName } from "../figures/token-layout.ts";
import { LANES } from "../store/state.ts";
import { useLabState } from "./lab-context.tsx";
import { LANE_NAMES } from "./lane-names.ts";
import { LayerChart } from "./layer-chart.tsx";
import { useScale, useShownPlace } from "./use-figure.ts";

const magnitudeOrDash = (value: number | undefined) => (value === undefined ? "–" : formatMagnitude(value));

const ATTENTION = tensorOf("attention");

/** The pinned token through the whole encoder, and all that was measured of it at the pinned block. */
export function Inspector() {
  const place = useShownPlace();
  const spec = useLabState((state) => state.model?.spec);
  const lanes = useLabState((state) => state.lanes);
  const attentionDomain = useLabState((state) => state.view.domains.attention) ?? ATTENTION.domain;
  const isPinned = useLabState((state) => state.selection !== null);
  const { tensor, domain } = useScale();
  if (!place || !spec) {
    return (
      <section className="panel" aria-labelledby="inspector-heading">
        <h2 id="inspector-heading">Token</h2>
        <p className="hint">Click a cell or a patch to follow that token through the blocks.</p>
      </section>
    );
  }
  return (
    <section className="panel" aria-labelledby="inspector-heading">
      <h2 id="inspector-heading">
        Token {place.token >= 0 ? place.token : "P"} <small>{tokenName(spec, place.token)}</small>
      </h2>
      <p className="hint">
        {isPinned
          ? "Chosen by you."
          : "The largest token where outliers first appear; click a cell to choose another."}
      </p>
      <ul className="chart-key">
        {LANES.map((lane) => (
          <li key={lane}>
            <span className={`lane-mark lane-${lane}`} aria-hidden="true" /> {LANE_NAMES[lane].toLowerCase()}
          </li>
        ))}
      </ul>
      <h3>{tensor.label}, by block</h3>
      <LayerChart token={place.token} block={place.block} tensor={tensor} domain={domain} />
      {tensor.id !== "attention" && (
        <>
          <h3>{ATTENTION.label}, by block</h3>
          <LayerChart token={place.token} block={place.block} tensor={ATTENTION} domain={attentionDomain} />
        </>
      )}
      <h3>At block {place.block}</h3>
      <table className="measures">
        <thead>
          <tr>
            <th scope="col">tensor</th>
            {LANES.map((lane) => (
              <th scope="col" key={lane}>
                {LANE_NAMES[lane].toLowerCase()}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {TENSORS.map((row) => (
            <tr key={row.id}>
              <th scope="row" title={row.label}>
                {row.short}
              </th>
              {LANES.map((lane) => (
                <td key={lane}>
                  {describeValue(lanes[lane].rows[place.block]?.trace ?? null, place.token, row, spec)}
                </td>
              ))}
            </tr>
          ))}
          <tr>
            <th scope="row" title="Channel of the token's largest |x| in the residual stream after the block">
              top channel
            </th>
            {LANES.map((lane) => (
              <td key={lane}>
                {topChannel(lanes[lane].rows[place.block]?.trace ?? null, place.token) ?? "–"}
              </td>
            ))}
          </tr>
          <tr>
            <th scope="row" title="Over all elements of the residual stream after the block">
              median |x|
            </th>
            {LANES.map((lane) => (
              <td key={lane}>{magnitudeOrDash(lanes[lane].rows[place.block]?.trace.medianAbs)}</td>
            ))}
          </tr>
          <tr>
            <th scope="row" title="Over all elements of the residual stream after the block">
              kurtosis
            </th>
            {LANES.map((lane) => (
              <td key={lane}>{magnitudeOrDash(lanes[lane].rows[place.block]?.trace.kurtosis)}</td>
            ))}
          </tr>
        </tbody>
      </table>
    </section>
  );
}
