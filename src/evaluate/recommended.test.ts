import { expect, test } from "vitest";
import { applySetting, parseRecommended } from "./recommended.ts";

const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

test("names the registers, and fills in the last block", () => {
  const setting = parseRecommended(
    bytes({ prefix: { from: 4, count: 2.5 }, delete: { block: 7, count: 8, by: "similarity" } }),
    "recommended.json",
  );
  expect(applySetting(setting, "r", 12)).toEqual({
    prefix: { registers: "r", from: 4, to: 11, count: 2.5 },
    delete: { block: 7, count: 8, by: "similarity", registers: "r" },
  });
});

test("deletion by L-inf needs no registers; the others do", () => {
  expect(applySetting({ delete: { block: 7, count: 8, by: "linf" } }, null, 12)).toEqual({
    prefix: null,
    delete: { block: 7, count: 8, by: "linf" },
  });
  expect(() => applySetting({ prefix: { from: 0, count: 1 } }, null, 12)).toThrow(/A prefix.*got none/);
  expect(() => applySetting({ delete: { block: 7, count: 8, by: "similarity" } }, null, 12)).toThrow(
    /Deletion by similarity/,
  );
});

test.each([
  ["a misspelt key", { prefx: null }, /prefx/],
  ["a negative block", { delete: { block: -1, count: 1, by: "linf" } }, /delete\.block/],
  ["an unknown rule", { delete: { block: 1, count: 1, by: "l2" } }, /delete\.by/],
])("refuses %s", (_, json, message) => {
  expect(() => parseRecommended(bytes(json), "recommended.json")).toThrow(message);
});

test("refuses what is not JSON", () => {
  expect(() => parseRecommended(new Uint8Array([1]), "recommended.json")).toThrow(/expected JSON/);
});
