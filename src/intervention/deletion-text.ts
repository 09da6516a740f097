import type { Deletion, DeletionSetting } from "./deletion.ts";

/** The settings of a deletion as key=value pairs: the grammar of the command line, and of what it adds to a link. */
export const DELETION_FORM =
  "block=BLOCK,count=N[,by=linf|similarity][,tensor=residual|post-ln], or block=BLOCK,criterion=NAME[,above=CUTOFF][,at-most=N][,tensor=residual|post-ln]";

/** The keys of {@link DELETION_FORM}. */
export const DELETION_KEYS: readonly string[] = [
  ...["block", "count", "by", "criterion", "above", "at-most", "tensor"],
];

/** The pairs of a deletion, without the defaults. */
export function deletionPairs(deletion: Deletion): [key: string, value: string][] {
  const { block, tensor, registers } = deletion;
  const rule: [string, number | string | undefined][] =
    deletion.by === "criterion"
      ? [
          ["criterion", deletion.criterion],
          ["above", deletion.above],
          ["at-most", deletion.atMost],
        ]
      : [
          ["count", deletion.count],
          ["by", deletion.by],
        ];
  const entries = [["block", block], ...rule, ["tensor", tensor], ["registers", registers]] as const;
  return entries.flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]]));
}

/**
 * What pairs say, for a deletion's schema to check; `by` is the paper's rule, linf, unless a criterion is named.
 * What is not understood stays in it, for the schema to refuse.
 */
export function deletionFields(pairs: Readonly<Record<string, string>>): Record<string, unknown> {
  const fields: Record<string, unknown> = { by: "criterion" in pairs ? "criterion" : "linf" };
  for (const [key, value] of Object.entries(pairs)) {
    fields[key === "at-most" ? "atMost" : key] = NUMBERS.has(key) ? number(value) : value;
  }
  return fields;
}

const NUMBERS = new Set(["block", "count", "above", "at-most"]);
/** What is not a plain number stays text, which the schema refuses and its message shows. */
const number = (text: string) => (/^-?\d*\.?\d+(e[+-]?\d+)?$/i.test(text) ? Number(text) : text);

/** E.g. "8 at 7 by linf", "at most 8 at 7 by prefixquant, post-ln". */
export function deletionName(deletion: DeletionSetting): string {
  const tensor = deletion.tensor === "post-ln" ? ", post-ln" : "";
  if (deletion.by !== "criterion") return `${deletion.count} at ${deletion.block} by ${deletion.by}${tensor}`;
  const { criterion, above, atMost } = deletion;
  const most = atMost === undefined ? "all" : `at most ${atMost}`;
  return `${most} at ${deletion.block} by ${criterion}${above === undefined ? "" : ` > ${above}`}${tensor}`;
}
