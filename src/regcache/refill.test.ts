import { describe, expect, it } from "vitest";
import { denseMap, refill } from "./refill.ts";

const deletedAt = (grid: number, places: number[]) =>
  Uint8Array.from({ length: grid * grid }, (_, place) => (places.includes(place) ? 1 : 0));

describe("denseMap", () => {
  it("puts survivors in their places, without CLS and trained registers; deleted places are no numbers", () => {
    const spec = { hasCls: true, trainedRegisters: 1, grid: 2, width: 2 };
    const tokens = {
      x: Float32Array.of(9, 9, 8, 8, 1, 2, 3, 4, 5, 6),
      positions: Int32Array.of(0, 1, 2, 4, 5),
    };
    const { features, deleted } = denseMap(spec, tokens);
    expect([...features]).toEqual([1, 2, Number.NaN, Number.NaN, 3, 4, 5, 6]);
    expect([...deleted]).toEqual([0, 1, 0, 0]);
  });
});

describe("refill", () => {
  it("takes the mean of the surviving ones of eight neighbours, channel by channel", () => {
    // 3 x 3 of two channels: place p holds (p, 10 p); the middle and its right neighbour are gone.
    const features = Float32Array.from({ length: 18 }, (_, i) => Math.floor(i / 2) * (i % 2 === 0 ? 1 : 10));
    const filled = refill({ features, deleted: deletedAt(3, [4, 5]) }, 3);
    const middle = (0 + 1 + 2 + 3 + 6 + 7 + 8) / 7;
    expect([...filled.subarray(8, 10)]).toEqual([Math.fround(middle), Math.fround(10 * middle)]);
    expect([...filled.subarray(10, 12)]).toEqual([4.5, 45]); // (1 + 2 + 7 + 8) / 4: the middle is not known yet
    expect([...filled.subarray(0, 8), ...filled.subarray(12)]).toEqual([
      ...[...features.subarray(0, 8), ...features.subarray(12)],
    ]);
  });

  it("grows outward from what survives until all is filled", () => {
    // A 4 x 4 map of which only the upper left corner survives: everything becomes it.
    const places = Array.from({ length: 15 }, (_, i) => i + 1);
    const features = Float32Array.from({ length: 16 }, (_, i) => (i === 0 ? 7 : Number.NaN));
    expect([...refill({ features, deleted: deletedAt(4, places) }, 4)]).toEqual(new Array(16).fill(7));
  });

  it("uses what the pass before has filled, and nothing of the same pass", () => {
    // Columns 0 .. 3 hold 0, ?, ?, ? and 12 at the far right of a 5-wide map: 1 and 3 first, then 2 from both.
    const features = Float32Array.from({ length: 25 }, (_, i) =>
      i % 5 === 4 ? 12 : i % 5 === 0 ? 0 : Number.NaN,
    );
    const gone = Array.from(features.keys()).filter((i) => Number.isNaN(features[i]));
    const filled = refill({ features, deleted: deletedAt(5, gone) }, 5);
    expect([...filled.subarray(10, 15)]).toEqual([0, 0, 6, 12, 12]);
  });

  it("changes nothing where nothing is deleted, and refuses a map without survivors", () => {
    const features = Float32Array.of(1, 2, 3, 4);
    expect(refill({ features, deleted: deletedAt(2, []) }, 2)).toEqual(features);
    expect(() => refill({ features, deleted: deletedAt(2, [0, 1, 2, 3]) }, 2)).toThrow(/surviving/);
  });
});
