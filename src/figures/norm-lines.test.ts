import { expect, test } from "vitest";
import { isDeleted, layerCurve, valueAt } from "./norm-lines.ts";
import { describeValue, topChannel } from "./readout-text.ts";
import { rowOf, tensorOf } from "./tensors.ts";
import { testTrace } from "./test-trace.ts";
import { PREFIX_TOKEN } from "./token-layout.ts";

const residual = tensorOf("residual");
const full = testTrace(0, [1, 2, 3, 4]);
const pruned = testTrace(1, [10, 30], [0, 2], { prefixReceived: 0.2 });

test("rows are found by token, deleted tokens have none", () => {
  expect([0, 1, 2, 3].map((token) => rowOf(pruned, token))).toEqual([0, -1, 1, -1]);
  expect(isDeleted(pruned, 3)).toBe(true);
  expect(isDeleted(pruned, PREFIX_TOKEN)).toBe(false);
});

test("a curve has gaps where the token is deleted or nothing has been computed", () => {
  expect(layerCurve([full, pruned, null], 2, residual).map(({ value }) => value)).toEqual([3, 30, null]);
  expect(layerCurve([full, pruned], 3, residual).map(({ value }) => value)).toEqual([4, null]);
});

test("the prefix has attention but no residual stream", () => {
  expect(valueAt(pruned, PREFIX_TOKEN, residual)).toBeNull();
  expect(valueAt(pruned, PREFIX_TOKEN, tensorOf("attention"))).toBe(0.2);
});

test("the readout says what a lane knows", () => {
  const spec = { tokens: 4 };
  expect(describeValue(null, 0, residual, spec)).toBe("not computed yet");
  expect(describeValue(pruned, 1, residual, spec)).toBe("deleted");
  expect(describeValue(pruned, 2, residual, spec)).toBe("30.00");
  expect(describeValue(full, PREFIX_TOKEN, residual, spec)).toBe("no prefix in this block");
  expect(describeValue(pruned, PREFIX_TOKEN, residual, spec)).toBe("key and value only: no such tensor");
  expect(topChannel(pruned, 2)).toBe(41);
  expect(topChannel(pruned, 1)).toBeNull();
});
