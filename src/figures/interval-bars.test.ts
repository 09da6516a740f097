import { expect, test } from "vitest";
import { excludesZero, intervalBar } from "./interval-bars.ts";

test("bars and whiskers are placed in per cent of the axis", () => {
  expect(intervalBar({ top1: 0.5, interval: [0.25, 0.75] })).toEqual({ bar: 50, low: 25, high: 75 });
});

test("a difference counts only when its interval excludes zero", () => {
  expect(excludesZero([-0.02, 0.01])).toBe(false);
  expect(excludesZero([0, 0.01])).toBe(false);
  expect(excludesZero([0.001, 0.01])).toBe(true);
  expect(excludesZero([-0.03, -0.01])).toBe(true);
});
