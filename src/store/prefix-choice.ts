import type { RegistersInfo } from "../worker/api.ts";

/** Registers that a model has, as far as the choice of a prefix needs them. */
export type KnownRegisters = readonly Pick<RegistersInfo, "id" | "kind" | "curation" | "distinct">[];

/** Names for people: the method's, then what the paper compares it with. */
export const PREFIX_KINDS: Readonly<Record<RegistersInfo["kind"], string>> = {
  outliers: "registers",
  "random-sink": "random token",
  "mean-token": "mean token",
};

/** Which of a model's registers the controls use. */
interface Chosen<R> {
  /** The method's: of deletion by similarity, and of the prefix unless something stands in for them. */
  readonly registers: R | null;
  /** What the prefix has in their place; null = nothing. */
  readonly alternative: R | null;
}

/**
 * Fits a choice to what there is. A stand-in goes with the registers of its own curation, so it is dropped where others are
 * chosen; one that was opened alone goes with any. Where the registers named are a stand-in themselves, as in a link to a prefix
 * alone, they become it.
 * @param wanted ids, which may be unknown
 */
export function chooseRegisters<R extends KnownRegisters[number]>(
  wanted: { readonly registers: string | null; readonly alternative: string | null },
  known: readonly R[],
): Chosen<R> {
  const of = (id: string | null) => known.find((each) => each.id === id);
  const methods = known.filter(({ kind }) => kind === "outliers");
  const named = of(wanted.registers);
  const isStandIn = named !== undefined && named.kind !== "outliers";
  const alternative = isStandIn ? named : of(wanted.alternative);
  const siblings = methods.filter(({ curation }) => curation === alternative?.curation);
  const registers = (isStandIn ? siblings[0] : named) ?? methods[0] ?? null;
  if (!alternative || alternative.kind === "outliers") return { registers, alternative: null };
  const fits = siblings.length === 0 || alternative.curation === registers?.curation;
  return { registers, alternative: fits ? alternative : null };
}

/** What may be chosen for the prefix beside the registers in use: the others of their curation, and what is in use now. */
export function alternativesTo<R extends KnownRegisters[number]>(
  { registers, alternative }: Chosen<R>,
  known: readonly R[],
): readonly R[] {
  const ofCuration = known.filter(
    ({ kind, curation }) => kind !== "outliers" && curation === registers?.curation,
  );
  const isListed = alternative === null || ofCuration.some(({ id }) => id === alternative.id);
  return isListed ? ofCuration : [...ofCuration, alternative];
}

/**
 * The controls' ids for registers that were just curated or opened: a stand-in is used with the registers of its own curation, where
 * they are known, else with those in use.
 */
export function idsFor(
  { id, kind, curation }: KnownRegisters[number],
  inUse: string | null,
  known: KnownRegisters,
): { readonly registers: string | null; readonly alternative: string | null } {
  if (kind === "outliers") return { registers: id, alternative: null };
  const sibling = known.find((each) => each.kind === "outliers" && each.curation === curation);
  return { registers: sibling?.id ?? inUse, alternative: id };
}
