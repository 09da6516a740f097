import { max, mean } from "d3-array";
import { collect } from "../engine/collect.ts";
import type { Engine } from "../engine/types.ts";
import { InputError, throwIfCancelled } from "../errors/input-error.ts";
import { type Keep, prepareMask } from "../image/mask.ts";
import { prepareImage } from "../image/preprocess.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import type { LabelledSet } from "./dataset.ts";
import { seededOrder } from "./order.ts";

const PARTS = ["original", "foreground", "background"] as const;
type Part = (typeof PARTS)[number];
/** Mean over images of the maximum over tokens, by part. */
export type PartMeans = Readonly<Record<Part, number>>;

export interface PartMaxima {
  readonly n: number;
  readonly seed: number;
  readonly dataset: string;
  readonly blocks: readonly {
    readonly block: number;
    /** Residual stream after the block, L-inf (paper v1). */
    readonly residual: PartMeans;
    /** FC2 input, L-inf (paper v4). */
    readonly fc2Input: PartMeans;
  }[];
}

export interface PartMaximaOptions {
  readonly seed: number;
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * The foreground/background experiment over a set with masks (paper, Figure 4): the unmodified encoder on whole images, on
 * their foregrounds and on their backgrounds.
 * @throws InputError when the set has no masks or no images; CancelledError on abort
 */
export async function partMaxima(
  engine: Engine,
  set: LabelledSet,
  { seed, limit = set.count, signal, onProgress }: PartMaximaOptions,
): Promise<PartMaxima> {
  const { mask } = set;
  const order = seededOrder(set.count, seed).slice(0, limit);
  if (!mask || order.length === 0) {
    const got = mask ? "no images" : "images alone";
    throw new InputError(
      `Labelled set ${set.name}`,
      "images with foreground masks",
      got,
      "Use the bundled set.",
    );
  }
  const { spec } = engine;
  const none = (): Record<Part, number[]> => ({ original: [], foreground: [], background: [] });
  const maxima = Array.from({ length: spec.blocks }, () => ({ residual: none(), fc2Input: none() }));
  for (const [done, i] of order.entries()) {
    throwIfCancelled(signal, "The experiment");
    const image = await set.image(i);
    const inside = prepareMask(await mask(i), image, spec.preprocess, `Mask ${i} of ${set.name}`);
    const { pixels } = prepareImage(image, spec.preprocess);
    const input = { id: set.id(i), pixels, mask: { id: set.id(i), inside } };
    for (const part of PARTS) {
      const intervention = part === "original" ? NO_INTERVENTION : { ...NO_INTERVENTION, mask: part as Keep };
      const { traces } = await collect(
        engine.run(input, intervention, { priority: "background", ...(signal && { signal }) }),
      );
      for (const { block, residual, inputs } of traces) {
        maxima[block]!.residual[part].push(max(residual.linf)!);
        maxima[block]!.fc2Input[part].push(max(inputs.fc2)!);
      }
    }
    onProgress?.(done + 1, order.length);
  }
  const means = (values: Record<Part, number[]>): PartMeans => ({
    original: mean(values.original)!,
    foreground: mean(values.foreground)!,
    background: mean(values.background)!,
  });
  return {
    n: order.length,
    seed,
    dataset: set.name,
    blocks: maxima.map(({ residual, fc2Input }, block) => ({
      block,
      residual: means(residual),
      fc2Input: means(fc2Input),
    })),
  };
}
