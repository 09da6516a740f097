import { expect, test } from "vitest";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { countingEngine, testInput } from "../regcache/test-engine.ts";
import { collect } from "./collect.ts";
import { maskedInput } from "./masked-input.ts";

const mask = (id: string, from: number) => ({
  id,
  inside: Uint8Array.from({ length: 400 }, (_, i) => (i < from ? 1 : 0)),
});

test("ids name the image, the mask and the part", () => {
  const input = { ...testInput(1), mask: mask("m", 100) };
  expect(maskedInput(input, undefined)).toBe(input);
  const ids = [
    maskedInput(input, "foreground").id,
    maskedInput(input, "background").id,
    maskedInput({ ...input, mask: mask("n", 100) }, "foreground").id,
    input.id,
  ];
  expect(new Set(ids).size).toBe(4);
  expect(() => maskedInput(testInput(1), "background")).toThrow(/expected a mask that says where it is/);
});

test("runs of different masks never share hidden states; equal ones do", async () => {
  const { engine, count } = await countingEngine(2);
  const run = async (id: string, from: number, keep?: "foreground" | "background") =>
    (
      await collect(
        engine.run(
          { ...testInput(1), mask: mask(id, from) },
          { ...NO_INTERVENTION, ...(keep && { mask: keep }) },
        ),
      )
    ).result;
  const whole = await run("a", 100);
  const front = await run("a", 100, "foreground");
  const back = await run("a", 100, "background");
  const other = await run("b", 300, "foreground");
  expect(count.blockRuns).toBe(8);
  const features = [whole, front, back, other].map(({ feature }) => feature.join());
  expect(new Set(features).size).toBe(4);
  const again = await run("a", 100, "foreground");
  expect(count.blockRuns).toBe(8);
  expect(again.feature).toEqual(front.feature);
});
