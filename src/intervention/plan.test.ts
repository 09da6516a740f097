import { expect, test } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import { openEncoder } from "../families/index.ts";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { type Deletion, NO_INTERVENTION } from "./intervention.ts";
import { planIntervention } from "./plan.ts";

test("of a deletion that does not fit, the block or the count is named, whichever is wrong", async () => {
  const { bytes, config } = randomCheckpoint({ width: 24, heads: 2, blocks: 3, grid: 4, patch: 4 });
  const file = await openSafetensors(memorySource(bytes, "random.safetensors"));
  const { spec } = openEncoder(file, { config }, {});
  const plan = (deletion: Deletion) => () =>
    planIntervention(spec, { ...NO_INTERVENTION, delete: deletion }, new Map());
  expect(plan({ block: 2, count: 15, by: "linf" })()).toHaveLength(3);
  expect(plan({ block: 3, count: 15, by: "linf" })).toThrow(
    "Deletion: expected a block up to 2, got block 3. Choose a block of this encoder.",
  );
  expect(plan({ block: 2, count: 16, by: "linf" })).toThrow(
    "Deletion: expected fewer than the 16 patch tokens of an image, so that one survives, got 16 tokens. Delete fewer.",
  );
});
