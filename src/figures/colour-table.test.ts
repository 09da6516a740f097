import { expect, test } from "vitest";
import { colourTable, TABLE_SIZE } from "./colour-table.ts";

/** Relative luminance of a #rrggbb colour (WCAG). */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

test.each(["light", "dark"] as const)("the %s table has 256 colours that only grow lighter", (theme) => {
  const table = colourTable(theme);
  expect(table).toHaveLength(TABLE_SIZE);
  const light = table.map(luminance);
  for (let i = 8; i < light.length; i += 8) expect(light[i]!).toBeGreaterThan(light[i - 8]!);
});

test("magma begins almost black and viridis ends yellow", () => {
  expect(colourTable("dark")[0]).toBe("#000004");
  expect(colourTable("light")[255]).toBe("#fde725");
});
