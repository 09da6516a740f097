import type { SensitivityReport, SensitivityUnit } from "../regcache/sensitivity.ts";
import { chooseDomain, type Domain } from "./log-scale.ts";
import type { LayerPoint } from "./norm-lines.ts";

/** Where a bar or a mark of one unit stands: its block, and which of the block's units it is. */
export interface UnitPlace {
  readonly block: number;
  readonly index: number;
}

/** A sweep laid out for drawing: three plots on one axis of blocks. */
export interface SensitivityFigure {
  /** Units of every block: 1, or its linears. */
  readonly perBlock: number;
  /** In the report's order. */
  readonly places: readonly UnitPlace[];
  /** One minus mean cosine, in the same order. */
  readonly losses: readonly number[];
  /** Upper end of the losses' axis, above 0. */
  readonly mostLoss: number;
  /** Residual maximum after each block, and FC2-input maximum in it; one log axis holds both. */
  readonly residual: readonly LayerPoint[];
  readonly fc2Input: readonly LayerPoint[];
  readonly maxima: Domain;
  /** Ends of the axis of top-1, which holds FP32's too; null = label-free. */
  readonly top1: readonly [low: number, high: number] | null;
}

/** Least length of the axis of top-1: differences of a few images must not look like a collapse. */
const LEAST_RANGE = 0.1;

/** Lays a sweep out. */
export function sensitivityFigure({ units, blocks, fp32 }: SensitivityReport): SensitivityFigure {
  const perBlock = Math.max(1, Math.round(units.length / Math.max(1, blocks.length)));
  const losses = units.map(({ cosine }) => 1 - cosine);
  const residual = blocks.map(({ block, residual: { max } }) => ({ block, value: max }));
  const fc2Input = blocks.map(({ block, fc2Input: { max } }) => ({ block, value: max }));
  const values = [residual, fc2Input].map((points) => Float32Array.from(points, ({ value }) => value));
  return {
    perBlock,
    places: units.map(({ block }, i) => ({ block, index: i % perBlock })),
    losses,
    mostLoss: Math.max(1e-6, ...losses),
    residual,
    fc2Input,
    maxima: chooseDomain(values) ?? { low: 1, high: 100 },
    top1: fp32 && top1Axis([fp32.top1, ...units.flatMap(({ accuracy }) => accuracy?.top1 ?? [])]),
  };
}

function top1Axis(values: readonly number[]): [low: number, high: number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const missing = Math.max(0, LEAST_RANGE - (most - least));
  const high = Math.min(1, most + missing / 2);
  return [Math.max(0, Math.min(least, high - LEAST_RANGE)), high];
}

/** Whether two name the same unit. */
export function isSameUnit(a: SensitivityUnit, b: SensitivityUnit): boolean {
  return a.block === b.block && a.linear === b.linear;
}
