/** Models that the picker names; every other id can be typed. */
export interface CatalogueEntry {
  readonly id: string;
  readonly name: string;
  /** What is known of its outliers, or why it is here. */
  readonly note: string;
}

/** Small encoders first, the smallest known with true massive activations at the top. */
export const SMALL: readonly CatalogueEntry[] = [
  {
    id: "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k",
    name: "ViT-Tiny/16 AugReg",
    note: "the smallest known with true massive activations",
  },
  { id: "timm/deit_tiny_patch16_224.fb_in1k", name: "DeiT-Tiny/16", note: "mild outliers" },
  { id: "facebook/dinov2-small", name: "DINOv2 small", note: "self-supervised, no text tower" },
  { id: "wkcn/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M", name: "TinyCLIP 8M", note: "with a text tower" },
];

/** The encoders of the RegCache paper (arXiv 2510.04547). */
export const OF_THE_PAPER: readonly CatalogueEntry[] = [
  { id: "openai/clip-vit-base-patch16", name: "CLIP B/16", note: "OpenAI" },
  { id: "laion/CLIP-ViT-B-16-laion2B-s34B-b88K", name: "OpenCLIP B/16", note: "LAION-2B" },
  { id: "google/siglip-base-patch16-224", name: "SigLIP B/16", note: "attention-pooling head, no CLS" },
  { id: "google/siglip2-base-patch16-224", name: "SigLIP 2 B/16", note: "attention-pooling head, no CLS" },
  { id: "facebook/dinov2-base", name: "DINOv2 base", note: "self-supervised, no text tower" },
];
