import { colourTable, type Theme } from "./colour-table.ts";

/** Colours of painted figures; text and axes take theirs from CSS. */
export interface Palette {
  /** 256 CSS colours, low to high. */
  readonly table: readonly string[];
  /** Under cells without a colour: deleted, zero, not finite, absent. */
  readonly empty: string;
  /** Strokes of those marks. */
  readonly mark: string;
  /** Notch of clamped cells; readable on both ends of the table. */
  readonly notch: string;
  /** The prefix slot. */
  readonly prefix: string;
}

const PALETTES: Record<Theme, Palette> = {
  dark: {
    table: colourTable("dark"),
    empty: "#1c2029",
    mark: "#8b93a5",
    notch: "#5fe3d0",
    prefix: "#2fb7a6",
  },
  light: {
    table: colourTable("light"),
    empty: "#eceef3",
    mark: "#7a8194",
    notch: "#d6336c",
    prefix: "#0b7f8f",
  },
};

/** The palette of a theme. */
export function paletteOf(theme: Theme): Palette {
  return PALETTES[theme];
}
