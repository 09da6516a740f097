/**
 * What only the names and widths of timm's models tell (timm/models/vision_transformer.py): their published configs name the
 * architecture and leave its arguments out.
 */

/** Those that timm builds with the tanh form of GELU; the others have the erf form, QuickGELU or SwiGLU. */
const TANH =
  /^vit_(base_patch32_siglip_(gap_)?256|large_patch16_siglip_(gap_)?512|(so400m|giantopt)_patch16_siglip_(gap_)?\d+)$/;

/** Widths whose models have 16 heads, where 64 channels a head would be another number. */
const SIXTEEN_HEADS: readonly number[] = [1152, 1280, 1408, 1664];

/** The architecture of a name with its tag, which names weights: `vit_base_patch16_siglip_224.webli`. */
const architectureOf = (name: string): string => name.split(".")[0]!;

/** Whether timm builds this model with the tanh form of GELU. */
export function hasTanhGelu(name: string): boolean {
  return TANH.test(architectureOf(name));
}

/**
 * Heads of timm's model of this width: 64 channels each but for the largest (so400m, huge, giant, gigantic: 16), SigLIP's
 * giantopt, which has DINOv2's giant's width, and one model that is known by its name alone.
 * @param isGated whether the MLP is gated, as DINOv2's giant's
 * @param name null = no config says it
 * @returns no whole number for a width that no such model has
 */
export function timmHeads(width: number, isGated: boolean, name: string | null): number {
  if (name !== null && architectureOf(name) === "vit_base_patch16_gap_224") return 16;
  return SIXTEEN_HEADS.includes(width) || (width === 1536 && !isGated) ? 16 : width / 64;
}
