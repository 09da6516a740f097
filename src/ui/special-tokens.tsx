import { leadingTokens } from "../encoder/spec.ts";
import { formatMagnitude } from "../figures/format.ts";
import { cellMark, colourIndex } from "../figures/log-scale.ts";
import { valueAt } from "../figures/norm-lines.ts";
import { paletteOf } from "../figures/palette.ts";
import { PREFIX_TOKEN, tokenName } from "../figures/token-layout.ts";
import type { Lane } from "../worker/api.ts";
import { useLab, useLabState } from "./lab-context.tsx";
import { useTheme } from "./theme.tsx";
import { useScale } from "./use-figure.ts";

/** The band of tokens that are not patches: CLS, trained registers and the prefix, with their values. */
export function SpecialTokens({ lane, block }: { readonly lane: Lane; readonly block: number | null }) {
  const lab = useLab();
  const { theme } = useTheme();
  const { tensor, domain } = useScale();
  const spec = useLabState((state) => state.model?.spec);
  const row = useLabState((state) => (block === null ? null : (state.lanes[lane].rows[block] ?? null)));
  if (!spec || block === null) return null;
  const trace = row?.trace ?? null;
  const hasPrefix = (trace?.prefixReceived ?? 0) > 0;
  const palette = paletteOf(theme);
  const tokens = [
    ...Array.from({ length: leadingTokens(spec) }, (_, token) => token),
    ...(hasPrefix ? [PREFIX_TOKEN] : []),
  ];
  return (
    <ul className="special-tokens">
      {tokens.map((token) => {
        const value = valueAt(trace, token, tensor);
        const coloured = value !== null && !["zero", "not-finite"].includes(cellMark(value, domain));
        const background =
          token === PREFIX_TOKEN && value === null
            ? palette.prefix
            : coloured
              ? palette.table[colourIndex(value, domain)]
              : palette.empty;
        return (
          <li key={token}>
            <button
              type="button"
              onPointerEnter={() => lab.hover({ block, token })}
              onPointerLeave={() => lab.hover(null)}
              onFocus={() => lab.hover({ block, token })}
              onBlur={() => lab.hover(null)}
              onClick={() => lab.select({ block, token })}
            >
              <span className="swatch" style={{ background }} aria-hidden="true" />
              {tokenName(spec, token)}{" "}
              {value !== null
                ? formatMagnitude(value)
                : token === PREFIX_TOKEN && trace
                  ? `receives ${(trace.prefixReceived * 100).toFixed(1)} % of attention`
                  : ""}
            </button>
          </li>
        );
      })}
      {tokens.length === 0 && <li className="muted">no CLS, no registers, no prefix in this block</li>}
    </ul>
  );
}
