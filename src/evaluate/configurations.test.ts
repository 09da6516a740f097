import { expect, test } from "vitest";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { buildConfigurations, CONFIGURATION_KINDS } from "./configurations.ts";

const quantize = { weightBits: 6, activationBits: 8, weightGranularity: "per-tensor" } as const;
const prefix = { registers: "r", from: 4, to: 11, count: 4 };
const deletion = { block: 7, count: 8, by: "linf" } as const;

test("names carry the bits, and FP32 comes first", () => {
  const list = buildConfigurations(["naive", "regcache-fp32", "fp32"], {
    prefix,
    delete: deletion,
    quantize,
  });
  expect(list.map((each) => each.name)).toEqual(["fp32", "naive-w6a8", "regcache-fp32"]);
  expect(list[0]!.intervention).toEqual(NO_INTERVENTION);
  expect(list[2]!.intervention).toEqual({ prefix, delete: deletion, quantize: null });
});

test("each ablation changes only its own part", () => {
  const list = buildConfigurations(CONFIGURATION_KINDS, { prefix, delete: deletion, quantize });
  const parts = Object.fromEntries(
    list.map(({ name, intervention: i }) => [
      name,
      [i.prefix !== null, i.delete !== null, i.quantize !== null],
    ]),
  );
  expect(parts).toEqual({
    fp32: [false, false, false],
    "naive-w6a8": [false, false, true],
    "prefix-w6a8": [true, false, true],
    "delete-w6a8": [false, true, true],
    "regcache-w6a8": [true, true, true],
    "regcache-fp32": [true, true, false],
  });
});

test("RegCache with a prefix alone is allowed; with neither part it is refused", () => {
  expect(buildConfigurations(["regcache"], { prefix, delete: null, quantize })).toHaveLength(2);
  expect(() => buildConfigurations(["regcache"], { prefix: null, delete: null, quantize })).toThrow(
    /expected a prefix, a deletion or both, got none/,
  );
  expect(() => buildConfigurations(["delete"], { prefix, delete: null, quantize })).toThrow(/a deletion/);
});
