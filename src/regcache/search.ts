import { mean, sum } from "d3-array";
import type { RegCacheSetting } from "../evaluate/recommended.ts";
import type { Skipped } from "../evaluate/skipped.ts";
import type { CellScores } from "./cell-scores.ts";
import { type Cell, cellsOf, coarseCells, distance, type SettingGrid } from "./setting-grid.ts";

/** Least feature error to FP32 (label-free), or most labels right with ties by feature error. */
export type Objective = "mse" | "accuracy";

/** One setting with its means over the images that it has seen. */
export interface CellResult {
  readonly setting: RegCacheSetting;
  /** Images it has seen. */
  readonly n: number;
  readonly mse: number;
  readonly cosine: number;
  /** null = label-free. */
  readonly top1: number | null;
}

/** Running or final state of a search. */
export interface SearchReport {
  readonly objective: Objective;
  readonly grid: SettingGrid;
  /** Images of the calibration set, and its name. */
  readonly images: number;
  readonly data: string;
  /** Images of it that could not be read; `images` is without them. */
  readonly skipped: Skipped;
  /** What is done now, for people. */
  readonly stage: string;
  /** Distinct settings of the grid. */
  readonly settings: number;
  /** Evaluations so far (one setting on one image), those of an earlier search counted too. */
  readonly evaluations: number;
  /** Evaluations of the whole grid on all images. */
  readonly exhaustive: number;
  /** Every setting that has been evaluated, best first; those with fewer images lost to all with more. */
  readonly cells: readonly CellResult[];
  readonly best: CellResult | null;
  readonly done: boolean;
}

/** Shares of the images on which rounds are run; each keeps a third of its settings for the next one. */
const ROUNDS = [1 / 8, 1 / 4, 1 / 2];
/** Fewer images than this say too little to drop a setting. */
const FEWEST = 4;
const KEEP = 1 / 3;
/** Best settings whose neighbours join after a round. */
const LEADERS = 4;
/** Settings that see all images before the last, local steps. */
const FINALISTS = 6;

/**
 * Coarse to fine, with successive halving over images (Jamieson and Talwalkar, 1502.07943): a coarse part of the grid
 * runs on an eighth of the images; the best third, and the neighbours of the very best, go on to twice as many; at
 * last the neighbours of the winner are tried until none is better. Deterministic: the same scores give the same
 * search, so one that was interrupted continues from its remembered scores.
 * @throws CancelledError on abort
 */
export async function* searchSettings(
  scores: CellScores,
  grid: SettingGrid,
  objective: Objective,
): AsyncGenerator<SearchReport, void> {
  const cells = cellsOf(grid);
  const n = scores.images.count;
  const report = reporter(scores, grid, cells, objective);
  const isBetter = comparison(scores, objective);

  let field = coarseCells(cells, grid);
  for (const [round, share] of ROUNDS.entries()) {
    const m = Math.min(n, Math.max(FEWEST, Math.round(share * n)));
    const stage = `round ${round + 1} of ${ROUNDS.length + 1}, ${m} images`;
    for await (const _ of scores.extend(field, m)) yield report(stage, false);
    const ranked = field.toSorted(isBetter(m));
    const near = neighbours(cells, ranked.slice(0, LEADERS)).filter((cell) => !field.includes(cell));
    for await (const _ of scores.extend(near, m)) yield report(`${stage}, neighbours`, false);
    const last = round === ROUNDS.length - 1;
    const kept = last ? FINALISTS : Math.max(FINALISTS, Math.ceil(KEEP * field.length));
    field = [...field, ...near].sort(isBetter(m)).slice(0, kept);
  }

  const stage = `round ${ROUNDS.length + 1} of ${ROUNDS.length + 1}, ${n} images`;
  for await (const _ of scores.extend(field, n)) yield report(stage, false);
  let [best] = field.sort(isBetter(n));
  const m = Math.min(n, Math.max(FEWEST, Math.round(n / 4)));
  for (let moved = true; moved; ) {
    moved = false;
    const near = neighbours(cells, [best!]);
    for await (const _ of scores.extend(near, m)) yield report("neighbours of the best", false);
    const better = isBetter(m);
    const promising = near.filter((cell) => better(cell, best!) <= 0);
    for await (const _ of scores.extend(promising, n)) yield report("neighbours of the best", false);
    const [winner] = [best!, ...promising].sort(isBetter(n));
    moved = winner !== best;
    best = winner;
  }
  yield report("done", true);
}

/** The whole grid on all images: what {@link searchSettings} is measured against. */
export async function* searchExhaustively(
  scores: CellScores,
  grid: SettingGrid,
  objective: Objective,
): AsyncGenerator<SearchReport, void> {
  const cells = cellsOf(grid);
  const report = reporter(scores, grid, cells, objective);
  for await (const _ of scores.extend(cells, scores.images.count)) yield report("the whole grid", false);
  yield report("done", true);
}

function neighbours(cells: readonly Cell[], of: readonly Cell[]): Cell[] {
  return cells.filter((cell) => of.some((each) => distance(cell, each) === 1));
}

/** Sorts by the objective over the first `m` images, best first; ties keep the order of the grid. */
function comparison(scores: CellScores, objective: Objective) {
  return (m: number) => (a: Cell, b: Cell) => {
    const [left, right] = [scores.of(a), scores.of(b)];
    const first = (values: readonly number[]) => sum(values.slice(0, m));
    const accuracy = objective === "accuracy" ? first(right.right) - first(left.right) : 0;
    return accuracy || first(left.mse) - first(right.mse);
  };
}

function reporter(scores: CellScores, grid: SettingGrid, cells: readonly Cell[], objective: Objective) {
  return (stage: string, done: boolean): SearchReport => {
    const seen = cells.filter((cell) => scores.of(cell).mse.length > 0);
    const images = (cell: Cell) => scores.of(cell).mse.length;
    const isBetter = comparison(scores, objective);
    const ranked = seen.toSorted((a, b) => images(b) - images(a) || isBetter(images(a))(a, b));
    const results = ranked.map((cell): CellResult => {
      const { mse, cosine, right } = scores.of(cell);
      const top1 = right.length > 0 ? mean(right)! : null;
      return { setting: cell.setting, n: mse.length, mse: mean(mse)!, cosine: mean(cosine)!, top1 };
    });
    return {
      objective,
      grid,
      images: scores.images.count,
      data: scores.images.name,
      skipped: scores.images.skipped,
      stage,
      settings: cells.length,
      evaluations: sum(seen, images),
      exhaustive: cells.length * scores.images.count,
      cells: results,
      best: results[0] ?? null,
      done,
    };
  };
}
