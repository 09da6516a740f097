import measured from "./measured.json" with { type: "json" };

/** How far a family's reference checkpoints are from their library (tools/measure_parity.ts; docs/parity.md). */
export interface MeasuredParity {
  readonly library: string;
  readonly version: string;
  readonly torch: string;
  /** Number of references. */
  readonly references: number;
  /** Largest relative difference over states, features and logits of all of them. */
  readonly difference: number;
}

/** Of a family, by its id; null when it has no reference. */
export function parityOf(family: string): MeasuredParity | null {
  return (measured as Readonly<Record<string, MeasuredParity>>)[family] ?? null;
}
