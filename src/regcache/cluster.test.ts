import { describe, expect, it } from "vitest";
import { clusterByCosine } from "./cluster.ts";

/** Vectors around an axis of R^4, of different lengths. */
const around = (axis: number, lengths: readonly number[]) =>
  lengths.map((length, i) =>
    Float32Array.from({ length: 4 }, (_, c) => length * ((c === axis ? 1 : 0) + 0.05 * Math.sin(i + 3 * c))),
  );

describe("clusterByCosine", () => {
  const vectors = [...around(0, [1, 9]), ...around(1, [2, 1, 30, 4]), ...around(2, [1, 1, 1])];

  it("finds the directions, whatever the lengths, the largest group first", () => {
    expect(clusterByCosine(vectors, 3)).toEqual([
      [2, 3, 4, 5],
      [6, 7, 8],
      [0, 1],
    ]);
  });

  it("puts every vector into one group", () => {
    for (const count of [1, 2, 4]) {
      const groups = clusterByCosine(vectors, count);
      expect(groups).toHaveLength(count);
      expect(groups.flat().sort((a, b) => a - b)).toEqual([...vectors.keys()]);
    }
  });

  it("does not spend a group on a stray vector while a larger group waits", () => {
    const stray = Float32Array.of(0, 0, 0, 5);
    const groups = clusterByCosine([stray, ...vectors], 3);
    expect(groups.map(({ length }) => length).sort()).not.toContain(1);
  });

  it("gives fewer groups where there are fewer directions", () => {
    const same = [1, 2, 3].map((length) => Float32Array.of(length, length, 0));
    expect(clusterByCosine(same, 3)).toEqual([[0, 1, 2]]);
  });

  it("takes a zero vector as like no other", () => {
    expect(clusterByCosine([new Float32Array(2), Float32Array.of(1, 0)], 1)).toHaveLength(1);
  });
});
