import { expect, test } from "vitest";
import { curationWarning } from "./curation-warning.ts";

test("tokens that are clearly alike give no warning", () => {
  expect(curationWarning({ outliers: 0.93, normal: 0.21 })).toBeNull();
  expect(curationWarning({ outliers: 0.6, normal: 0.4 })).toBeNull();
});

test("tokens that are hardly alike are said to be, with both numbers and a remedy", () => {
  expect(curationWarning({ outliers: 0.13, normal: 0.33 })).toBe(
    "The curated tokens are hardly alike (mean cosine 0.13, normal tokens 0.33): few of them are outliers, and registers made of them do little. Choose on more images.",
  );
  expect(curationWarning({ outliers: 0.59, normal: 0 })).toMatch(/hardly alike/);
});

test("tokens that are alike because all tokens are do not pass for outliers", () => {
  expect(curationWarning({ outliers: 0.81, normal: 0.75 })).toMatch(
    /hardly more alike than others \(mean cosine 0\.81, normal tokens 0\.75\)/,
  );
});
