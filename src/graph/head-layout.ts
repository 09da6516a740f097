import type { GraphBuilder } from "./onnx.ts";

/** How attention lays rows [N, D] out as heads: G groups [G, T, d], each of which attends within itself. */
export interface HeadLayout {
  /** [N, D] -> [G, T, d] */
  rows(value: string): string;
  /** [N, D] -> [G, d, T] */
  columns(value: string): string;
  /** A prefix slot's key [H, d, R] or value [H, R, d], for all groups. */
  slots(value: string): string;
  /** [G, T, d] -> [N, D] */
  merge(value: string): string;
}

interface Heads {
  /** H */
  readonly heads: number;
  /** d */
  readonly perHead: number;
}

/** One image: N = T tokens, a group a head. */
export function oneImage(g: GraphBuilder, { heads, perHead }: Heads): HeadLayout {
  const split = (value: string, perm: readonly number[]) =>
    g.node("Transpose", [g.node("Reshape", [value, g.integers([-1, heads, perHead])])], { perm });
  return {
    rows: (value) => split(value, [1, 0, 2]),
    columns: (value) => split(value, [1, 2, 0]),
    slots: (value) => value,
    merge: (value) =>
      g.node("Reshape", [
        g.node("Transpose", [value], { perm: [1, 0, 2] }),
        g.integers([-1, heads * perHead]),
      ]),
  };
}

/**
 * A batch of B images of T tokens each: N = B T, and a group a head of an image, G = B H, image by image. So what follows is the
 * same as for one image, and its reductions over all groups are over the whole batch.
 * @param images [B, T, D], for its shape, which varies from run to run
 */
export function imagesOfBatch(g: GraphBuilder, images: string, { heads, perHead }: Heads): HeadLayout {
  const shape = g.node("Shape", [images]);
  const size = (axis: number) =>
    g.node("Slice", [shape, g.integers([axis]), g.integers([axis + 1]), g.integers([0])]);
  const [count, tokens] = [size(0), size(1)];
  const dims = (...parts: (string | readonly number[])[]) =>
    g.node(
      "Concat",
      parts.map((part) => (typeof part === "string" ? part : g.integers(part))),
      { axis: 0 },
    );
  const split = (value: string, perm: readonly number[], ...grouped: (string | readonly number[])[]) => {
    const apart = g.node("Reshape", [value, dims(count, [-1, heads, perHead])]); // [B, T, H, d]
    return g.node("Reshape", [g.node("Transpose", [apart], { perm }), dims(...grouped)]);
  };
  return {
    rows: (value) => split(value, [0, 2, 1, 3], [-1], tokens, [perHead]),
    columns: (value) => split(value, [0, 2, 3, 1], [-1, perHead], tokens),
    slots: (value) => g.node("Tile", [value, dims(count, [1, 1])]),
    merge: (value) => {
      const apart = g.node("Reshape", [value, dims(count, [heads, -1, perHead])]); // [B, H, T, d]
      return g.node("Reshape", [
        g.node("Transpose", [apart], { perm: [0, 2, 1, 3] }),
        g.integers([-1, heads * perHead]),
      ]);
    },
  };
}
