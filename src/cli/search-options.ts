import type { Command } from "commander";
import { DELETION_CRITERIA } from "../intervention/deletion.ts";
import { SEARCH_RULES, SEARCH_TENSORS } from "../regcache/deletion-rules.ts";
import {
  parseBits,
  parseBounds,
  parseChoice,
  parseCriteria,
  parseInteger,
  parseLastBlocks,
  parseRegistersList,
} from "./options.ts";
import { objectiveOptions, STATE_OPTION } from "./shared-options.ts";

/** The options of `search` beside those of its images. */
export function searchOptions(command: Command): void {
  command.option("--bits <n>", "bits of weights and activations, 2 to 8 (default: 8)", parseBits);
  objectiveOptions(command);
  command
    .option(
      "--rule <name>",
      "deletion by linf (the paper's), similarity, or any of both",
      parseChoice("rule", SEARCH_RULES),
      "any",
    )
    .option(
      "--tensor <name>",
      "what linf and criteria read: residual (default), post-ln, or any of both",
      parseChoice("tensor", SEARCH_TENSORS),
    )
    .option(
      "--criteria <list>",
      `delete by cutoff too: all, or some of ${DELETION_CRITERIA.join(",")}`,
      parseCriteria,
    )
    .option(
      "--at-most <list>",
      "most tokens that --criteria delete in an image, e.g. 4,8,all (default: all)",
      parseBounds,
    )
    .option("--registers <list>", "numbers of distinct registers, e.g. 1,2,4 (default 1)", parseRegistersList)
    .option(
      "--to <list>",
      "last blocks of the prefix, e.g. 7,9,11, or any (default: the end)",
      parseLastBlocks,
    )
    .option("--block <n>", "the sensitive block (default: found by a sweep)", parseInteger("block", 0))
    .option("--exhaustive", "every setting of the grid on every image")
    .option(...STATE_OPTION)
    .option("--json", "print JSON, with every setting that was evaluated");
}
