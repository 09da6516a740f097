/** One line of the bench: a value that must not exceed its limit. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: "x" | "ms";
  /** The absolute figures behind the ratio; they vary with the machine. */
  readonly detail: string;
}
