import { expect, test } from "vitest";
import { DEFAULT_PROBE, fitProbe } from "./fit-probe.ts";

const data = {
  features: [
    [2, 0],
    [3, 0.5],
    [0, 2],
    [0.5, 3],
  ].map((row) => Float32Array.from(row)),
  labels: [0, 0, 1, 1],
  classes: 2,
};

test.each([
  [DEFAULT_PROBE, /^nearest class mean/],
  [{ kind: "ridge" }, /^ridge probe .* by leave-one-out/],
  [{ kind: "ridge", lambda: 10 }, /lambda 10\.0 given/],
  [{ kind: "knn" }, /^4 nearest neighbours .* of 4 images/],
  [{ kind: "knn", neighbours: 3 }, /^3 nearest neighbours/],
] as const)("%j is fitted and names itself", (choice, name) => {
  const head = fitProbe(choice, data);
  expect(head.describe).toMatch(name);
  const labels = data.features.map((feature) => head.classify({ feature, logits: null } as never));
  expect(labels).toEqual(data.labels);
});
