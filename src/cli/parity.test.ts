import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FAMILIES } from "../families/index.ts";
import { largestDifference } from "../parity/compare.ts";
import parity from "../parity/measured.json" with { type: "json" };
import { compareWithReference, listReferences } from "./parity.ts";

const FIXTURES = "src/families/fixtures";
const IMAGES = "src/image/fixtures";
const references = await listReferences(FIXTURES);

describe("golden parity with the reference libraries", () => {
  it("has a reference for every family, and says so in parity.json", () => {
    const families = new Set(references.map(({ info }) => info.family));
    expect([...families].sort()).toEqual(FAMILIES.map(({ id }) => id).sort());
    expect(Object.keys(parity).sort()).toEqual([...families].sort());
    for (const { info } of references) {
      expect(parity[info.family as keyof typeof parity]).toMatchObject({
        library: info.library,
        version: info.version,
      });
    }
  });

  it.each(
    references.map((reference) => [`${reference.info.case} at ${reference.info.size}`, reference] as const),
  )("%s: pixels, every block, feature and logits", async (_, reference) => {
    const found = await compareWithReference(reference, join(IMAGES));
    expect(found.blocks.length).toBeGreaterThanOrEqual(2);
    expect(found.pixels).toBeLessThanOrEqual(1e-6);
    for (const difference of found.blocks) expect(difference).toBeLessThanOrEqual(1e-4);
    expect(largestDifference(found)).toBeLessThanOrEqual(1e-4);
  });

  it.each([
    ["clip-48", { hidden_act: "gelu" }],
    ["clip-48", { num_attention_heads: 2 }],
    ["clip-48", { layer_norm_eps: 1e-3 }],
    ["siglip-40", { hidden_act: "quick_gelu" }],
    ["siglip-40", { num_attention_heads: 2 }],
    ["vit-48", { num_attention_heads: 2 }],
    ["vit-48", { layer_norm_eps: 1e-4 }],
    ["siglip2-naflex-40", { hidden_act: "gelu" }],
    ["dinov2-42", { layer_norm_eps: 1e-4 }],
  ])("would show: %s read with %j", async (name, change) => {
    const reference = references.find(({ info }) => `${info.case}-${info.size}` === name)!;
    const folder = mkdtempSync(join(tmpdir(), "parity-"));
    try {
      cpSync(reference.folder, folder, { recursive: true });
      const path = join(folder, "config.json");
      const config = JSON.parse(readFileSync(path, "utf8"));
      Object.assign(config.vision_config ?? config, change);
      writeFileSync(path, JSON.stringify(config));
      expect(largestDifference(await compareWithReference({ ...reference, folder }, IMAGES))).toBeGreaterThan(
        1e-4,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
