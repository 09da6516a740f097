import { ascending } from "d3-array";
import type { RegCacheSetting } from "../evaluate/recommended.ts";
import { type CountedDeletion, mostDeleted } from "../intervention/deletion.ts";
import { deletionName } from "../intervention/deletion-text.ts";
import { curationBlocks } from "./curate.ts";

/** Axes of the search (paper, step 5), each sorted ascending. */
export interface SettingGrid {
  /** b, first block with the prefix. */
  readonly from: readonly number[];
  /** tau, copies of the register; 0 = no prefix. */
  readonly count: readonly number[];
  /** Block at whose input tokens are deleted. */
  readonly deleteBlock: readonly number[];
  /** k_del, tokens deleted; 0 = none. */
  readonly deleteCount: readonly number[];
  readonly by: readonly CountedDeletion["by"][];
}

/** One point of a grid: a setting, and its index on each axis (null where the axis has no meaning for it). */
export interface Cell {
  readonly setting: RegCacheSetting;
  /** Equal keys mean equal settings, on any grid. */
  readonly key: string;
  readonly at: {
    readonly from: number | null;
    readonly count: number;
    readonly deleteBlock: number | null;
    readonly deleteCount: number;
    readonly by: number | null;
  };
}

/**
 * The paper's grid for a sensitive block l_q: b in max(0, l_q - 3)..l_q, tau up to 15, k_del up to 10. The paper
 * deletes at l_q only; here deletion may also lie in the blocks before, because the tokens may be made there.
 * @param by rules of deletion that are allowed; the paper's is `linf`
 */
export function settingGrid(sensitiveBlock: number, by: SettingGrid["by"]): SettingGrid {
  const { from, block } = curationBlocks(sensitiveBlock);
  const blocks = Array.from({ length: block - from + 1 }, (_, i) => from + i);
  return {
    from: blocks,
    count: [0, 1, 2, 4, 8, 15],
    deleteBlock: blocks,
    deleteCount: [0, 1, 2, 4, 6, 8, 10],
    by,
  };
}

/** Every distinct setting of a grid, in an order in which neighbours in the list share most blocks of their runs. */
export function cellsOf(grid: SettingGrid): Cell[] {
  type Prefix = { c: number; f: number | null };
  type Deletion = { k: number; d: number | null; r: number | null };
  const prefixes = grid.count.flatMap((count, c): Prefix[] =>
    count === 0 ? [{ c, f: null }] : grid.from.map((_, f) => ({ c, f })),
  );
  const deletions = grid.deleteCount.flatMap((count, k): Deletion[] =>
    count === 0
      ? [{ k, d: null, r: null }]
      : grid.deleteBlock.flatMap((_, d) => grid.by.map((_, r) => ({ k, d, r }))),
  );
  const cells = prefixes.flatMap(({ c, f }) =>
    deletions.map(({ k, d, r }): Cell => {
      const setting: RegCacheSetting = {
        prefix: f === null ? null : { from: grid.from[f]!, count: grid.count[c]! },
        delete:
          d === null || r === null
            ? null
            : { block: grid.deleteBlock[d]!, count: grid.deleteCount[k]!, by: grid.by[r]! },
      };
      const at = { from: f, count: c, deleteBlock: d, deleteCount: k, by: r };
      return { setting, key: settingKey(setting), at };
    }),
  );
  return cells.sort((a, b) => order(a, b));
}

/** E.g. "prefix 4 x2, delete 8 at 7 by linf". */
export function settingKey({ prefix, delete: deletion }: RegCacheSetting): string {
  const parts = [
    prefix ? `prefix from ${prefix.from} x${prefix.count}` : "no prefix",
    deletion ? `delete ${deletionName(deletion)}` : "no deletion",
  ];
  return parts.join(", ");
}

/** Steps between two cells over the axes that both of them have; other rules of deletion are one step apart. */
export function distance({ at: a }: Cell, { at: b }: Cell): number {
  const step = (x: number | null, y: number | null) => (x === null || y === null ? 0 : Math.abs(x - y));
  return (
    step(a.from, b.from) +
    step(a.count, b.count) +
    step(a.deleteBlock, b.deleteBlock) +
    step(a.deleteCount, b.deleteCount) +
    (a.by !== null && b.by !== null && a.by !== b.by ? 1 : 0)
  );
}

/** A coarse part of a grid: both ends and every second or third value of the counts and of b; all else whole. */
export function coarseCells(cells: readonly Cell[], grid: SettingGrid): Cell[] {
  const every = (length: number, step: number) =>
    new Set(Array.from({ length }, (_, i) => i).filter((i) => i % step === 0 || i === length - 1));
  const from = every(grid.from.length, 3);
  const count = every(grid.count.length, 2);
  const deleteCount = every(grid.deleteCount.length, 3);
  return cells.filter(
    ({ at }) =>
      (at.from === null || from.has(at.from)) && count.has(at.count) && deleteCount.has(at.deleteCount),
  );
}

function order(a: Cell, b: Cell): number {
  const values = ({ setting: { prefix, delete: deletion } }: Cell) => [
    prefix?.from ?? -1,
    prefix?.count ?? 0,
    deletion?.block ?? -1,
    deletion ? deletion.by.length : 0,
    deletion ? (mostDeleted(deletion) ?? 0) : 0,
  ];
  const [left, right] = [values(a), values(b)];
  const first = left.findIndex((value, i) => value !== right[i]);
  return first < 0 ? 0 : ascending(left[first], right[first]);
}
