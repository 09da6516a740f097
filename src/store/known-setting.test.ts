import { expect, test } from "vitest";
import { quantizationSchema } from "../intervention/intervention.ts";
import { toIntervention } from "./controls.ts";
import { defaultControls } from "./defaults.ts";
import { withKnownSetting } from "./known-setting.ts";

const W6 = {
  quantize: quantizationSchema.parse({ weightBits: 6, activationBits: 6 }),
  quantizer: "plain" as const,
};
const registers = ["r1", "r2"].map((id) => {
  return { id, kind: "outliers" as const, curation: id, block: 6, distinct: 2 };
});
const controls = defaultControls({ blocks: 12, grid: 14 }, registers, null);

test("a known setting comes back with its own registers, whatever the controls hold now", () => {
  const setting = { prefix: { from: 3, count: 2, distinct: 2 }, delete: null };
  const back = withKnownSetting({ ...controls, registers: "r1" }, { setting, registers: "r2" }, W6, 12);
  expect(toIntervention(back)).toMatchObject({
    prefix: { registers: "r2", from: 3, to: 11, count: 2, distinct: 2 },
    delete: null,
    quantize: { weightBits: 6, activationBits: 6 },
  });
});

test("a deletion alone keeps the registers that it was compared with chosen", () => {
  const setting = { prefix: null, delete: { block: 1, count: 2, by: "linf" as const } };
  const back = withKnownSetting({ ...controls, registers: "r1" }, { setting, registers: "r2" }, W6, 12);
  expect(back.registers).toBe("r2");
  expect(toIntervention(back)).toMatchObject({ prefix: null, delete: setting.delete });
});
