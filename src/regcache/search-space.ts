import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";
import { deletionRules, type RuleChoice } from "./deletion-rules.ts";
import type { SearchStart } from "./prepare-search.ts";
import { type SettingGrid, settingGrid } from "./setting-grid.ts";

/** What a search ranges over, beside the paper's first block, copies, deletion block and count. */
export interface SearchSpace extends RuleChoice {
  /** Numbers of distinct registers; absent = one. */
  readonly registers?: readonly number[] | undefined;
  /** Last blocks with the prefix; `any` = from the sensitive block on in doubling steps; absent = the encoder's last. */
  readonly to?: readonly number[] | "any" | undefined;
}

/**
 * The grid of a search.
 * @throws InputError for a last block before the sensitive one, or beyond the encoder's
 */
export function searchGrid(
  { registers: wanted, to, ...rules }: SearchSpace,
  { sensitiveBlock, registers }: Pick<SearchStart, "sensitiveBlock" | "registers">,
  { blocks }: Pick<EncoderSpec, "blocks">,
): SettingGrid {
  // One register is always curated; it belongs to the grid if it was asked for, or if no more came out.
  const several = wanted ? [...registers.keys()].filter((count) => count > 1) : [];
  const distinct = !wanted || wanted.includes(1) || several.length === 0 ? [1, ...several] : several;
  return settingGrid(sensitiveBlock, deletionRules(rules), {
    distinct,
    to: lastBlocks(to, sensitiveBlock, blocks),
  });
}

function lastBlocks(to: SearchSpace["to"], sensitiveBlock: number, blocks: number): SettingGrid["to"] {
  const last = blocks - 1;
  if (to === undefined) return [null];
  const wrong = to === "any" ? undefined : to.find((block) => block < sensitiveBlock || block > last);
  if (wrong !== undefined) {
    const expected = `blocks from the sensitive one, ${sensitiveBlock}, to ${last}`;
    throw new InputError("Last block of the prefix", expected, String(wrong), "Choose others, or any.");
  }
  const chosen = to === "any" ? [...doublingFrom(sensitiveBlock, last), last] : to;
  return [...new Set(chosen)].sort((a, b) => a - b).map((block) => (block === last ? null : block));
}

/** b, b + 1, b + 2, b + 4... up to `last`. */
function doublingFrom(block: number, last: number): number[] {
  const blocks = [];
  for (let step = 0; block + step <= last; step = step === 0 ? 1 : 2 * step) blocks.push(block + step);
  return blocks;
}
