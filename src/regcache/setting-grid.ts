import { ascending } from "d3-array";
import type { RegCacheSetting } from "../evaluate/recommended.ts";
import { deletionName } from "../intervention/deletion-text.ts";
import { curationBlocks } from "./curate.ts";
import type { DeletionRule } from "./deletion-rules.ts";

/** Axes of the search (paper, step 5), each sorted ascending. */
export interface SettingGrid {
  /** b, first block with the prefix. */
  readonly from: readonly number[];
  /** Last block with the prefix, none before the sensitive one; null = the encoder's last. */
  readonly to: readonly (number | null)[];
  /** Distinct registers, each with its own copies. */
  readonly distinct: readonly number[];
  /** tau, copies of every register; 0 = no prefix. */
  readonly count: readonly number[];
  /** Block at whose input tokens are deleted; every grid has settings without deletion too. */
  readonly deleteBlock: readonly number[];
  readonly rules: readonly DeletionRule[];
}

/** One point of a grid: a setting, and its index on each axis (null where the axis has no meaning for it). */
export interface Cell {
  readonly setting: RegCacheSetting;
  /** Equal keys mean equal settings, on any grid. */
  readonly key: string;
  readonly at: {
    readonly from: number | null;
    readonly to: number | null;
    readonly distinct: number | null;
    readonly count: number;
    readonly deleteBlock: number | null;
    readonly rule: number | null;
    /** 0 = no deletion, s = the rule's strength s - 1. */
    readonly strength: number;
  };
}

/**
 * The paper's grid for a sensitive block l_q: b in max(0, l_q - 3)..l_q, tau up to 15, k_del up to 10. The paper
 * deletes at l_q only; here deletion may also lie in the blocks before, because the tokens may be made there.
 * @param rules of deletion that are allowed; the paper's is L-inf
 * @param wider further last blocks and numbers of registers; the paper's prefix goes on to the end, with one register
 */
export function settingGrid(
  sensitiveBlock: number,
  rules: SettingGrid["rules"],
  wider: Partial<Pick<SettingGrid, "to" | "distinct">> = {},
): SettingGrid {
  const { from, block } = curationBlocks(sensitiveBlock);
  const blocks = Array.from({ length: block - from + 1 }, (_, i) => from + i);
  return {
    from: blocks,
    to: [null],
    distinct: [1],
    count: [0, 1, 2, 4, 8, 15],
    deleteBlock: blocks,
    rules,
    ...wider,
  };
}

type At = Cell["at"];
type PrefixPart = Pick<At, "from" | "to" | "distinct" | "count">;
type DeletionPart = Pick<At, "deleteBlock" | "rule" | "strength">;

/** Every distinct setting of a grid, in an order in which neighbours in the list share most blocks of their runs. */
export function cellsOf(grid: SettingGrid): Cell[] {
  const prefixes = grid.count.flatMap((value, count): PrefixPart[] =>
    value === 0
      ? [{ from: null, to: null, distinct: null, count }]
      : grid.from.flatMap((_, from) =>
          grid.to.flatMap((_, to) => grid.distinct.map((_, distinct) => ({ from, to, distinct, count }))),
        ),
  );
  const deletions: DeletionPart[] = [
    { deleteBlock: null, rule: null, strength: 0 },
    ...grid.rules.flatMap(({ strengths }, rule) =>
      grid.deleteBlock.flatMap((_, deleteBlock) =>
        strengths.map((_, s) => ({ deleteBlock, rule, strength: s + 1 })),
      ),
    ),
  ];
  const cells = prefixes.flatMap((prefix) =>
    deletions.map((deletion): Cell => {
      const setting = { prefix: prefixOf(grid, prefix), delete: deletionOf(grid, deletion) };
      return { setting, key: settingKey(setting), at: { ...prefix, ...deletion } };
    }),
  );
  return cells.sort((a, b) => order(a.at, b.at));
}

function prefixOf(grid: SettingGrid, { from, to, distinct, count }: PrefixPart): RegCacheSetting["prefix"] {
  if (from === null) return null;
  const [last, registers] = [grid.to[to!]!, grid.distinct[distinct!]!];
  // What is the default is left out, so that one setting has one key on every grid.
  return {
    from: grid.from[from]!,
    ...(last !== null && { to: last }),
    count: grid.count[count]!,
    ...(registers !== 1 && { distinct: registers }),
  };
}

function deletionOf(
  grid: SettingGrid,
  { deleteBlock, rule, strength }: DeletionPart,
): RegCacheSetting["delete"] {
  if (rule === null) return null;
  return { block: grid.deleteBlock[deleteBlock!]!, ...grid.rules[rule]!.strengths[strength - 1]! };
}

/** E.g. "prefix from 4 x2, delete 8 at 7 by linf", "prefix from 4 to 9 x2 of 3 registers, no deletion". */
export function settingKey({ prefix, delete: deletion }: RegCacheSetting): string {
  const parts = [
    prefix ? prefixName(prefix) : "no prefix",
    deletion ? `delete ${deletionName(deletion)}` : "no deletion",
  ];
  return parts.join(", ");
}

function prefixName({ from, to, count, distinct = 1 }: NonNullable<RegCacheSetting["prefix"]>): string {
  const last = to === undefined ? "" : ` to ${to}`;
  return `prefix from ${from}${last} x${count}${distinct === 1 ? "" : ` of ${distinct} registers`}`;
}

/**
 * Steps between two cells over the axes that both of them have; other rules of deletion are one step apart. Strengths are
 * steps within a rule, between rules that count, between bounds on one criterion, and from no deletion; between a count and
 * a cutoff, or cutoffs of two criteria or tensors, there is no common scale, so all are equally near.
 */
export function distance({ at: a, setting: left }: Cell, { at: b, setting: right }: Cell): number {
  const step = (x: number | null, y: number | null) => (x === null || y === null ? 0 : Math.abs(x - y));
  const isOtherRule = a.rule !== null && b.rule !== null && a.rule !== b.rule;
  const haveOneScale = scaleOf(left) === scaleOf(right);
  return (
    step(a.from, b.from) +
    step(a.to, b.to) +
    step(a.distinct, b.distinct) +
    step(a.count, b.count) +
    step(a.deleteBlock, b.deleteBlock) +
    (isOtherRule && !haveOneScale ? 0 : step(a.strength, b.strength)) +
    (isOtherRule ? 1 : 0)
  );
}

/** What the strengths of a deletion are values of: equal texts, one scale. */
function scaleOf({ delete: deletion }: RegCacheSetting): string {
  return deletion?.by === "criterion" ? `${deletion.criterion} ${deletion.tensor ?? ""}` : "count";
}

/**
 * A coarse part of a grid: both ends and every second or third value of the counts and of b; every third strength and the
 * greatest of a rule; both ends of the last block and of the registers, one of them at a time; all else whole.
 */
export function coarseCells(cells: readonly Cell[], grid: SettingGrid): Cell[] {
  const isOn = (i: number | null, length: number, every: number) =>
    i === null || i % every === 0 || i === length - 1;
  return cells.filter(({ at }) => {
    const { from, to, distinct, count, rule, strength } = at;
    const isPlain = to === null || to === grid.to.length - 1 || distinct === 0;
    return (
      isPlain &&
      isOn(from, grid.from.length, 3) &&
      isOn(to, grid.to.length, grid.to.length) &&
      isOn(distinct, grid.distinct.length, grid.distinct.length) &&
      isOn(count, grid.count.length, 2) &&
      (rule === null || isOn(strength, grid.rules[rule]!.strengths.length + 1, 3))
    );
  });
}

function order(a: At, b: At): number {
  const values = ({ from, to, distinct, count, deleteBlock, rule, strength }: At) =>
    [from, count, to, distinct, deleteBlock, rule, strength].map((index) => index ?? -1);
  const [left, right] = [values(a), values(b)];
  const first = left.findIndex((value, i) => value !== right[i]);
  return first < 0 ? 0 : ascending(left[first], right[first]);
}
