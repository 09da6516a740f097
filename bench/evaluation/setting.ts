import type { Head } from "../../src/evaluate/head.ts";
import { NO_INTERVENTION } from "../../src/intervention/intervention.ts";

/** ViT-Tiny/16 at 224 pixels. */
export const VIT_TINY = { width: 192, heads: 3, blocks: 12, grid: 14, patch: 16, classes: 0 } as const;

/** FP32 alone: what a plain loop over the encoder computes. */
export const CONFIGURATIONS = [{ name: "fp32", intervention: NO_INTERVENTION }];

export const HEAD: Head = { describe: "sign", classify: ({ feature }) => (feature[0]! > 0 ? 0 : 1) };
