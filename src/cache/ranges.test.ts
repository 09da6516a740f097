import { describe, expect, it } from "vitest";
import { inOrderOfUse, mergeRanges, missingRanges, totalBytes } from "./ranges.ts";

const range = (begin: number, end: number) => ({ begin, end });

describe("ranges", () => {
  it("merges overlapping, touching and near ones", () => {
    const ranges = [range(5, 8), range(0, 3), range(3, 4), range(7, 9), range(4, 4)];
    expect(mergeRanges(ranges)).toEqual([range(0, 4), range(5, 9)]);
    expect(mergeRanges(ranges, 1)).toEqual([range(0, 9)]);
  });

  it("finds what is missing", () => {
    expect(missingRanges(range(0, 10), [range(4, 6), range(2, 3), range(9, 20)])).toEqual([
      range(0, 2),
      range(3, 4),
      range(6, 9),
    ]);
    expect(missingRanges(range(2, 4), [range(0, 9)])).toEqual([]);
    expect(missingRanges(range(2, 4), [])).toEqual([range(2, 4)]);
  });

  it("keeps the order of use, each byte once", () => {
    const parts = [[range(50, 60)], [range(0, 10), range(12, 20)], [range(55, 70)]];
    const ordered = inOrderOfUse(parts, 4);
    expect(ordered).toEqual([range(50, 60), range(0, 20), range(60, 70)]);
    expect(totalBytes(ordered)).toBe(40);
  });
});
