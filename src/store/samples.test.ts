import { expect, test } from "vitest";
import { parseSamples } from "./samples.ts";

test("samples.json is checked", () => {
  const good = [{ file: "a.png", label: "bag", title: "A bag" }];
  expect(parseSamples(JSON.stringify(good))).toEqual(good);
  expect(() => parseSamples(null)).toThrow("no such file");
  expect(() => parseSamples("{")).toThrow(/^samples.json: expected a list/);
  expect(() => parseSamples('[{"file": "../x"}]')).toThrow(/^samples.json: expected a list/);
});
