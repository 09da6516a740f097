import { counted } from "../figures/counted.ts";
import { formatBlocks } from "../figures/format.ts";
import { curationWarning } from "../regcache/curation-warning.ts";
import type { RegistersInfo } from "../worker/api.ts";

/** What registers are the means of, how alike those tokens are, and a warning where they hardly are. */
export function RegistersFacts(props: {
  /** One or more groupings of the same tokens, ascending; nothing is shown for none. */
  readonly registers: readonly RegistersInfo[];
  /** Start of the test ids: `<testId>-info`, `<testId>-warning`. */
  readonly testId: string;
  /** Whose registers these are, where a view has several. */
  readonly name?: string;
}) {
  const { registers, testId, name } = props;
  const most = registers.at(-1);
  if (!most) return null;
  const { candidates, images, distinct, from, block, cosine } = most;
  const upTo = registers.length > 1 ? "up to " : "";
  const warning = curationWarning(cosine);
  return (
    <>
      <p className="hint" data-testid={`${testId}-info`}>
        {name && `${name}: `}
        {counted(candidates, "token")} of {counted(images, "image")}
        {distinct > 1 && ` in ${upTo}${distinct} distinct registers`}, chosen after{" "}
        {formatBlocks(from, block)}. Mean cosine among them {cosine.outliers.toFixed(3)}, among other tokens{" "}
        {cosine.normal.toFixed(3)}.
      </p>
      {warning && (
        <p className="hint hint-strong" data-testid={`${testId}-warning`}>
          {warning}
        </p>
      )}
    </>
  );
}
