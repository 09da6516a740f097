import { symbol, symbolCircle, symbolDiamond, symbolSquare } from "d3-shape";
import { Button } from "react-aria-components";
import { formatMagnitude } from "../figures/format.ts";
import { chooseDomain } from "../figures/log-scale.ts";
import { maxCurve, partCurvesCsv } from "../figures/part-curves.ts";
import { foregroundShare } from "../image/mask.ts";
import { currentMask, MASK_PARTS } from "../store/mask.ts";
import type { MaskPart } from "../worker/api.ts";
import { CurveChart } from "./curve-chart.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { saveFile } from "./save-file.ts";
import { useScale } from "./use-figure.ts";

const NAMES: Readonly<Record<MaskPart, string>> = {
  original: "original",
  foreground: "foreground only",
  background: "background only",
};
const SYMBOLS: Readonly<Record<MaskPart, string>> = {
  original: symbol(symbolCircle, 34)() ?? "",
  foreground: symbol(symbolDiamond, 34)() ?? "",
  background: symbol(symbolSquare, 28)() ?? "",
};

/** The largest norm over the blocks for the whole image, its foreground and its background (paper, Figure 4). */
export function MaskFigure() {
  const lab = useLab();
  const mask = useLabState(currentMask);
  const spec = useLabState((state) => state.model?.spec);
  const { tensor, domain } = useScale();
  if (!spec || !mask.inside || mask.traces.original.length === 0) return null;
  const curves = MASK_PARTS.map((part) => ({
    id: part,
    points: maxCurve(mask.traces[part], tensor),
    symbol: SYMBOLS[part],
  }));
  const values = curves.map(({ points }) => Float32Array.from(points, ({ value }) => value ?? 0));
  const blocks = Array.from({ length: spec.blocks }, (_, block) => block);

  function save() {
    const { model, image } = lab.store.getState();
    if (!model || !image || !mask.inside) return;
    const csv = partCurvesCsv(mask.traces, {
      image: image.info.name,
      foreground_share: foregroundShare(mask.inside),
      model: model.spec.label,
      model_sha256: model.sha256,
    });
    saveFile("foreground-background.csv", new TextEncoder().encode(csv));
  }

  return (
    <section
      className="panel"
      aria-labelledby="parts-heading"
      data-testid="parts"
      data-state={mask.running ? "running" : "done"}
    >
      <h2 id="parts-heading">
        Foreground and background <small>maximum over tokens of: {tensor.label}</small>
      </h2>
      <CurveChart
        label={`Maximum over tokens of ${tensor.label} over the blocks: original, foreground only, background only`}
        blocks={spec.blocks}
        domain={chooseDomain(values) ?? domain}
        curves={curves}
        height={200}
      />
      <p className="chart-key">
        {MASK_PARTS.map((part) => (
          <span key={part} className={`curve curve-${part}`}>
            <svg width="16" height="12" viewBox="-8 -6 16 12" aria-hidden="true">
              <path d="M-8,0 H8" />
              <path className="point" d={SYMBOLS[part]} />
            </svg>{" "}
            {NAMES[part]}
          </span>
        ))}
        <Button
          className="save-numbers"
          isDisabled={mask.running}
          aria-label="Save the maxima of every tensor as CSV"
          data-testid="save-parts"
          onPress={save}
        >
          CSV
        </Button>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a narrow screen scrolls it, also by keyboard */}
      <section className="table-scroll" aria-label="Maxima by block" tabIndex={0}>
        <table className="parts-table">
          <thead>
            <tr>
              <th scope="col">block</th>
              {blocks.map((block) => (
                <th key={block} scope="col">
                  {block}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {curves.map(({ id, points }) => (
              <tr key={id}>
                <th scope="row">{NAMES[id]}</th>
                {blocks.map((block) => {
                  const value = points[block]?.value ?? null;
                  return (
                    <td key={block} data-testid={`parts-${id}-${block}`}>
                      {value === null ? "–" : formatMagnitude(value)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p className="hint">
        The part that is left out is zeroed after normalisation: a uniform area of the mean colour. FP32, no
        prefix, no deletion.
      </p>
    </section>
  );
}
