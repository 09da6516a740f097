import { expect, it } from "vitest";
import { hasTanhGelu, timmHeads } from "./timm-architectures.ts";

/** Width, heads and whether GELU is tanh's, of timm 1.0.31's models (timm/models/vision_transformer.py, deit.py). */
it.each([
  ["vit_tiny_patch16_224.augreg_in21k_ft_in1k", 192, 3, false],
  ["vit_base_patch16_224", 768, 12, false],
  ["vit_base_patch16_gap_224.in1k_ijepa", 768, 16, false],
  ["vit_base_patch32_siglip_256.v2_webli", 768, 12, true],
  ["vit_large_patch16_siglip_384.webli", 1024, 16, false],
  ["vit_large_patch16_siglip_512.v2_webli", 1024, 16, true],
  ["vit_so400m_patch14_siglip_378.webli", 1152, 16, false],
  ["vit_so400m_patch16_siglip_gap_384.v2_webli", 1152, 16, true],
  ["vit_giantopt_patch16_siglip_256.v2_webli", 1536, 16, true],
  ["vit_huge_patch14_clip_224.laion2b", 1280, 16, false],
  ["deit3_huge_patch14_224.fb_in1k", 1280, 16, false],
  ["vit_giant_patch14_clip_224.laion2b", 1408, 16, false],
  ["vit_gigantic_patch14_clip_224.metaclip_2pt5b", 1664, 16, false],
])("%s", (name, width, heads, tanh) => {
  expect(timmHeads(width, false, name)).toBe(heads);
  expect(hasTanhGelu(name)).toBe(tanh);
});

it("tells DINOv2's giant from SigLIP's of the same width by its gated MLP", () => {
  expect(timmHeads(1536, true, "vit_giant_patch14_reg4_dinov2.lvd142m")).toBe(24);
  expect(timmHeads(1536, true, null)).toBe(24);
});

it("needs no name but for one model", () => {
  expect(timmHeads(1152, false, null)).toBe(16);
  expect(timmHeads(768, false, null)).toBe(12);
});
