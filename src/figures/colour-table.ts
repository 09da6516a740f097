import { interpolateMagma, interpolateViridis } from "d3-scale-chromatic";

/** Entries of a colour table; index 0 is the low end of the domain, 255 the high end. */
export const TABLE_SIZE = 256;

export type Theme = "light" | "dark";

const build = (interpolate: (t: number) => string): readonly string[] =>
  Array.from({ length: TABLE_SIZE }, (_, i) => interpolate(i / (TABLE_SIZE - 1)));

const tables: Record<Theme, readonly string[]> = {
  dark: build(interpolateMagma),
  light: build(interpolateViridis),
};

/** The 256 CSS colours of a theme: magma on dark, viridis on light (both perceptually uniform, d3-scale-chromatic). */
export function colourTable(theme: Theme): readonly string[] {
  return tables[theme];
}
