import type { EncoderSpec } from "../encoder/spec.ts";
import { leadingTokens, tokenKind } from "../encoder/spec.ts";

/** Stands for the prefix slot where a token index is expected; it has K and V only, no residual stream. */
export const PREFIX_TOKEN = -1;

export type ColumnKind = "prefix" | "cls" | "register" | "patch";

/** One column of the layer x token heat map, pixels from the left of the plot. */
export interface Column {
  readonly token: number;
  readonly kind: ColumnKind;
  readonly x: number;
  readonly width: number;
}

export interface Band {
  readonly label: string;
  readonly x: number;
  readonly width: number;
}

export interface TokenLayout {
  /** Prefix, CLS, trained registers, then patches in reading order. */
  readonly columns: readonly Column[];
  readonly bands: readonly Band[];
  readonly width: number;
}

type Shape = Pick<EncoderSpec, "hasCls" | "trainedRegisters" | "grid" | "tokens">;

const GAP = 8;
/** Columns of the separated band stay wide enough to read and to point at. */
const SPECIAL_WIDTH = 14;

/**
 * Places the columns in `width` pixels: the band of prefix, CLS and trained registers, each with its gap, then the
 * patches, equally wide over what is left.
 */
export function layoutTokens(spec: Shape, width: number): TokenLayout {
  const columns: Column[] = [];
  const bands: Band[] = [];
  let x = 0;
  const add = (label: string, kind: ColumnKind, tokens: readonly number[]) => {
    bands.push({ label, x, width: tokens.length * SPECIAL_WIDTH });
    for (const token of tokens) {
      columns.push({ token, kind, x, width: SPECIAL_WIDTH });
      x += SPECIAL_WIDTH;
    }
    x += GAP;
  };
  add("P", "prefix", [PREFIX_TOKEN]);
  if (spec.hasCls) add("CLS", "cls", [0]);
  const leading = leadingTokens(spec);
  if (spec.trainedRegisters > 0) {
    add(
      "Reg",
      "register",
      Array.from({ length: spec.trainedRegisters }, (_, i) => leading - spec.trainedRegisters + i),
    );
  }
  const patches = spec.grid * spec.grid;
  const patchWidth = Math.max(0, width - x) / patches;
  bands.push({ label: "patches", x, width: patchWidth * patches });
  for (let i = 0; i < patches; i++) {
    columns.push({ token: leading + i, kind: "patch", x: x + i * patchWidth, width: patchWidth });
  }
  return { columns, bands, width };
}

/** The column under a pixel; null in a gap. */
export function columnAt(layout: TokenLayout, x: number): Column | null {
  return layout.columns.find((column) => x >= column.x && x < column.x + column.width) ?? null;
}

/** Grid position of a patch token; null for CLS, registers and the prefix. */
export function patchPosition(spec: Shape, token: number): { row: number; column: number } | null {
  if (token === PREFIX_TOKEN || tokenKind(spec, token) !== "patch") return null;
  const index = token - leadingTokens(spec);
  return { row: Math.floor(index / spec.grid), column: index % spec.grid };
}

/** Name of a token for people: "CLS", "register 2", "patch (row 3, column 5)", "prefix". Rows and columns from 0. */
export function tokenName(spec: Shape, token: number): string {
  if (token === PREFIX_TOKEN) return "prefix";
  const patch = patchPosition(spec, token);
  if (patch) return `patch (row ${patch.row}, column ${patch.column})`;
  return tokenKind(spec, token) === "cls" ? "CLS" : `register ${token - (spec.hasCls ? 1 : 0)}`;
}
