import { expect, test } from "vitest";
import { seededOrder } from "./order.ts";

test("visits every item once, in an order that the seed alone decides", () => {
  const order = seededOrder(250, 0);
  expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 250 }, (_, i) => i));
  expect(seededOrder(250, 0)).toEqual(order);
  // Pinned: the order is part of every published number.
  expect(order.slice(0, 4)).toMatchInlineSnapshot(`
    [
      221,
      118,
      4,
      173,
    ]
  `);
});

test("neighbouring seeds share no start", () => {
  const starts = [0, 1, 2, 3, 4].map((seed) => seededOrder(250, seed)[0]);
  expect(new Set(starts).size).toBe(5);
});
