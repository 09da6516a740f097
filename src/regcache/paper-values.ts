/**
 * The paper's table (arXiv 2510.04547): zero-shot ImageNet-1k top-1, percent, W8A8 where quantized. All values are
 * from a careful secondary reading of the paper, mark [S]: probably right, not read from its PDF.
 */
export const PAPER_MARK = "[S]";

export interface PaperRow {
  readonly model: string;
  /** By the name of a comparison; absent = not given. */
  readonly top1: Readonly<Partial<Record<string, number>>>;
}

export const PAPER_VALUES: readonly PaperRow[] = [
  {
    model: "CLIP-B/16",
    top1: {
      fp32: 68.32,
      naive: 34.01,
      regcache: 59.71,
      "random-sink": 54.18,
      clip: 47.29,
      "test-time-register": 44.3,
    },
  },
  { model: "SigLIP-B/16", top1: { naive: 69.71, prefix: 74.37, delete: 42.41, regcache: 74.38 } },
  {
    model: "SigLIP2-B/16",
    top1: {
      fp32: 78.47,
      naive: 26.04,
      prefix: 23.82,
      delete: 69.06,
      regcache: 72.35,
      "exclude-outliers": 74.54,
    },
  },
  { model: "DINOv2-B/14", top1: { naive: 19.2, "exclude-outliers": 76.58 } },
];
