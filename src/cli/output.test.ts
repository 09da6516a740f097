import { expect, test, vi } from "vitest";
import { formatTable, magnitude, printJson } from "./output.ts";

test("JSON keeps full precision and writes typed arrays as lists", () => {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  printJson({ value: 1 / 3, list: Float32Array.of(0.1) });
  const text = String(write.mock.calls[0]![0]);
  write.mockRestore();
  expect(JSON.parse(text)).toEqual({ value: 1 / 3, list: [Math.fround(0.1)] });
});

test("tables align names to the left and numbers to the right", () => {
  expect(
    formatTable([
      ["block", "max"],
      ["7", "525.0"],
      ["11", "9"],
    ]),
  ).toBe("block    max\n7      525.0\n11         9");
});

test("magnitudes read well", () => {
  expect([525.0412, 0.5, 0, 1e-7, 2.5e7].map(magnitude)).toEqual([
    "525.0",
    "0.5000",
    "0.000",
    "1.00e-7",
    "2.50e+7",
  ]);
});
