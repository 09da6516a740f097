import { expect, test } from "vitest";
import { CandidateSearch } from "./candidates.ts";

/** Two channels, five tokens without CLS; a token's L-inf is what is given. */
const spec = { tokens: 5, width: 2, hasCls: false, trainedRegisters: 0, blocks: 1, heads: 1 } as never;

function search(top: number, ...images: number[][]): CandidateSearch {
  const found = new CandidateSearch(spec, { from: 0, block: 0 }, top);
  for (const [image, linf] of images.entries()) {
    const output = Float32Array.from(linf.flatMap((value) => [value, -0.5 * value]));
    found.add(image, { block: 0, input: output, output, qkv: new Float32Array(5 * 6) } as never);
  }
  return found;
}

test("of few images the ordinary tokens are left out, though more are wanted", () => {
  const found = search(8, [500, 6, 5, 300, 4], [5, 400, 7, 6, 5]);
  expect(found.candidates.map(({ linf }) => linf)).toEqual([500, 400, 300]);
  expect(found.has({ image: 0, token: 0 })).toBe(true);
  expect(found.has({ image: 1, token: 2 })).toBe(false);
});

test("where all are of one size, as many as are wanted stay", () => {
  const found = search(4, [10, 9, 8, 7, 6], [9.5, 9, 8, 7, 6]);
  expect(found.candidates.map(({ linf }) => linf)).toEqual([10, 9.5, 9, 9]);
});
