import { parityOf } from "../parity/measured.ts";
import { DetailMark } from "./detail-mark.tsx";
import { useLabState } from "./lab-context.tsx";

/** Which reference the loaded model's family was checked against, and how far it was from it. */
export function ParityBadge() {
  const family = useLabState((state) => state.model?.spec.family);
  if (!family) return null;
  const parity = parityOf(family);
  const detail = parity
    ? `Random-weight checkpoints of this family (${family}, ${parity.references}) give ${parity.library} ${parity.version}'s states after every block, its feature and its logits to ${parity.difference.toExponential(1)} of the largest magnitude. This very checkpoint was not compared.`
    : `There is no reference for the family ${family}.`;
  return (
    <DetailMark className="badge badge-parity" testId="parity" detail={detail}>
      {parity ? `parity: ${parity.library} ${parity.version}` : "no reference"}
    </DetailMark>
  );
}
