import { expect, test } from "vitest";
import { columnAt, layoutTokens, PREFIX_TOKEN, patchPosition, tokenName } from "./token-layout.ts";

const spec = { hasCls: true, trainedRegisters: 2, grid: 4, tokens: 19 };

test("prefix, CLS and registers stand in their own separated bands before the patches", () => {
  const { bands, columns } = layoutTokens(spec, 300);
  expect(bands.map(({ label }) => label)).toEqual(["P", "CLS", "Reg", "patches"]);
  expect(columns.map(({ token }) => token)).toEqual([
    PREFIX_TOKEN,
    ...Array.from({ length: 19 }, (_, i) => i),
  ]);
  for (let i = 1; i < bands.length; i++) {
    expect(bands[i]!.x).toBeGreaterThan(bands[i - 1]!.x + bands[i - 1]!.width);
  }
  const last = columns[columns.length - 1]!;
  expect(last.x + last.width).toBeCloseTo(300);
});

test("an encoder without CLS has no CLS band", () => {
  const { bands, columns } = layoutTokens({ hasCls: false, trainedRegisters: 0, grid: 4, tokens: 16 }, 300);
  expect(bands.map(({ label }) => label)).toEqual(["P", "patches"]);
  expect(columns).toHaveLength(17);
});

test("pixels find their column, gaps find none", () => {
  const layout = layoutTokens(spec, 300);
  for (const column of layout.columns) {
    expect(columnAt(layout, column.x + column.width / 2)?.token).toBe(column.token);
  }
  expect(columnAt(layout, layout.bands[0]!.x + layout.bands[0]!.width + 1)).toBeNull();
});

test("tokens have names and patches have grid positions", () => {
  expect(tokenName(spec, 0)).toBe("CLS");
  expect(tokenName(spec, 1)).toBe("register 0");
  expect(tokenName(spec, PREFIX_TOKEN)).toBe("prefix");
  expect(tokenName(spec, 9)).toBe("patch (row 1, column 2)");
  expect(patchPosition(spec, 2)).toBeNull();
});
