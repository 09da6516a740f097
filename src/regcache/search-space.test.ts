import { describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { type Deletion, deletionSettingSchema } from "../intervention/deletion.ts";
import type { Intervention } from "../intervention/intervention.ts";
import { deletionRules, type RuleChoice } from "./deletion-rules.ts";
import { searchExhaustively, searchSettings } from "./search.ts";
import { type SearchSpace, searchGrid } from "./search-space.ts";
import { readSearchState, searchSubject, writeSearchState } from "./search-state.ts";
import { cellsOf, coarseCells, distance, settingGrid, settingKey } from "./setting-grid.ts";
import { BLOCKS, fakeScores, lastReport } from "./test-search.ts";

const SPEC = { blocks: BLOCKS };
const registersBy = (...counts: number[]) =>
  new Map(counts.map((count) => [count, {} as never])) as Parameters<typeof searchGrid>[1]["registers"];
const gridOf = (space: Omit<SearchSpace, "rule"> & Partial<RuleChoice>, sensitiveBlock = 1) =>
  searchGrid({ rule: "any", ...space }, { sensitiveBlock, registers: registersBy(1, 2, 4) }, SPEC);
const STATE = { name: "state.json", remedy: "Choose another file." };
const several = new Map([
  [1, "r"],
  [2, "r2"],
  [4, "r4"],
]);

describe("the rules of deletion", () => {
  it("are the paper's, ours, after LayerNorm too, and criteria at their own cutoff and around it", () => {
    const names = (choice: RuleChoice) =>
      deletionRules(choice).map(({ strengths }) =>
        settingKey({ delete: { block: 1, ...strengths.at(-1)! } }),
      );
    expect(names({ rule: "linf" })).toEqual(["no prefix, delete 10 at 1 by linf"]);
    expect(names({ rule: "similarity" })).toEqual(["no prefix, delete 10 at 1 by similarity"]);
    expect(names({ rule: "any", tensor: "any", criteria: ["sun", "jiang", "similarity"] })).toEqual([
      "no prefix, delete 10 at 1 by linf",
      "no prefix, delete 10 at 1 by linf, post-ln",
      "no prefix, delete 10 at 1 by similarity",
      "no prefix, delete all at 1 by sun",
      "no prefix, delete all at 1 by sun, post-ln",
      "no prefix, delete all at 1 by jiang > 18.75",
      "no prefix, delete all at 1 by jiang > 18.75, post-ln",
      "no prefix, delete all at 1 by similarity > 0.1",
    ]);
    const all = deletionRules({ rule: "any", tensor: "any", criteria: ["darcet", "similarity"] });
    for (const strength of all.flatMap(({ strengths }) => strengths)) {
      expect(deletionSettingSchema.parse({ block: 0, ...strength })).toEqual({ block: 0, ...strength });
    }
  });
});

describe("criteria with a bound on their count", () => {
  const names = (atMost: RuleChoice["atMost"], criteria: RuleChoice["criteria"] = ["sun", "jiang"]) =>
    deletionRules({ rule: "linf", criteria, atMost })
      .slice(1)
      .map(({ strengths }) => settingKey({ delete: { block: 1, ...strengths[0]! } }));

  it("are a rule for each bound, the smallest first and no bound last, each once", () => {
    expect(names([8, null, 4, 8], ["sun"])).toEqual([
      "no prefix, delete at most 4 at 1 by sun",
      "no prefix, delete at most 8 at 1 by sun",
      "no prefix, delete all at 1 by sun",
    ]);
    expect(names([2])).toEqual([
      "no prefix, delete at most 2 at 1 by sun",
      "no prefix, delete at most 2 at 1 by jiang > 300",
    ]);
    expect(names(undefined)).toEqual(names([null]));
  });

  it("are settings that a deletion's schema takes, under keys of their own", () => {
    const space = { tensor: "any", criteria: ["jiang", "similarity"] } as const;
    const bounded = cellsOf(gridOf({ ...space, atMost: [3, 6, null] }));
    expect(new Set(bounded.map(({ key }) => key)).size).toBe(bounded.length);
    for (const { setting } of bounded) {
      if (setting.delete) expect(deletionSettingSchema.parse(setting.delete)).toEqual(setting.delete);
    }
    const keys = new Set(bounded.map(({ key }) => key));
    expect(cellsOf(gridOf(space)).every(({ key }) => keys.has(key))).toBe(true);
  });

  it("have one scale of cutoffs for all bounds", () => {
    const cells = cellsOf(gridOf({ criteria: ["jiang", "sun"], atMost: [4, 8, null] }));
    const find = (key: string) => cells.find((cell) => cell.key === `no prefix, delete ${key}`)!;
    const steps = (a: string, b: string) => distance(find(a), find(b));
    expect(steps("at most 4 at 0 by jiang", "at most 8 at 0 by jiang")).toBe(1);
    expect(steps("at most 4 at 0 by jiang > 300", "all at 0 by jiang")).toBe(3);
    expect(steps("at most 4 at 0 by jiang > 300", "at most 8 at 0 by sun")).toBe(1);
    expect(steps("4 at 0 by linf", "at most 4 at 0 by jiang > 18.75")).toBe(1);
  });

  it("are found by the search where a bound is best", async () => {
    const grid = gridOf({ criteria: ["jiang"], atMost: [2, 6, null] });
    const error = bowl((deletion) => {
      if (deletion.by !== "criterion") return 1.5;
      const cutoff = Math.abs(Math.log2((deletion.above ?? 75) / 37.5)) / 3;
      return cutoff + (deletion.atMost === 6 ? 0 : 0.3);
    });
    const whole = await lastReport(searchExhaustively(fakeScores(error).scores, grid, "mse"));
    const found = await lastReport(searchSettings(fakeScores(error).scores, grid, "mse"));
    expect(whole.best!.setting.delete).toMatchObject({ criterion: "jiang", above: 37.5, atMost: 6 });
    expect(found.best!.mse).toBeLessThanOrEqual(1.005 * whole.best!.mse);
    expect(found.evaluations).toBeLessThan(found.exhaustive / 4);
  });
});

describe("the wider grid", () => {
  it("holds every plain setting under the same key, and all keys once", () => {
    const plain = cellsOf(settingGrid(1, deletionRules({ rule: "any" }))).map(({ key }) => key);
    const wide = cellsOf(gridOf({ registers: [1, 2, 4], to: "any", tensor: "any", criteria: ["jiang"] }));
    const keys = new Set(wide.map(({ key }) => key));
    expect(keys.size).toBe(wide.length);
    expect(plain.every((key) => keys.has(key))).toBe(true);
    expect(wide).toHaveLength((1 + 2 * 5 * 5 * 3) * (1 + 2 * (3 * 6 + 2 * 5)));
    expect(keys).toContain("prefix from 0 to 2 x4 of 2 registers, delete all at 1 by jiang");
  });

  it("takes last blocks from the sensitive one on, each once", () => {
    expect(gridOf({}).to).toEqual([null]);
    expect(gridOf({ to: "any" }).to).toEqual([1, 2, 3, 5, null]);
    expect(gridOf({ to: "any" }, 7).to).toEqual([null]);
    expect(gridOf({ to: [7, 3, 3] }).to).toEqual([3, null]);
    expect(() => gridOf({ to: [0] })).toThrow(InputError);
    expect(() => gridOf({ to: [8] })).toThrow(/from the sensitive one, 1, to 7/);
  });

  it("has the numbers of registers that came out, one only where it was asked for", () => {
    expect(gridOf({}).distinct).toEqual([1]);
    expect(gridOf({ registers: [1, 2, 4] }).distinct).toEqual([1, 2, 4]);
    expect(gridOf({ registers: [2, 4] }).distinct).toEqual([2, 4]);
    const start = { sensitiveBlock: 1, registers: registersBy(1) };
    expect(searchGrid({ rule: "any", registers: [4] }, start, SPEC).distinct).toEqual([1]);
  });

  it("counts strengths as steps only where they have one scale", () => {
    const cells = cellsOf(gridOf({ criteria: ["jiang", "sun"] }));
    const find = (key: string) => cells.find((cell) => cell.key === `no prefix, ${key}`)!;
    const steps = (a: string, b: string) => distance(find(a), find(b));
    expect(steps("delete 1 at 0 by linf", "delete 4 at 0 by linf")).toBe(2);
    expect(steps("delete 1 at 0 by linf", "delete 4 at 0 by similarity")).toBe(3);
    expect(steps("delete 8 at 0 by linf", "delete all at 0 by jiang")).toBe(1);
    expect(steps("delete all at 0 by sun", "delete all at 0 by jiang > 18.75")).toBe(1);
    expect(steps("delete all at 0 by jiang", "delete all at 1 by jiang > 18.75")).toBe(3);
    expect(steps("no deletion", "delete all at 1 by jiang > 300")).toBe(1);
  });

  it("is tried coarsely with one wide axis of the prefix at a time", () => {
    const grid = gridOf({ registers: [1, 2, 4], to: "any" });
    const coarse = coarseCells(cellsOf(grid), grid);
    const prefixes = new Set(
      coarse.map(({ setting: { prefix } }) => prefix && `${prefix.to} ${prefix.distinct}`),
    );
    expect([...prefixes].sort()).toEqual([null, "1 undefined", "undefined 4", "undefined undefined"].sort());
  });
});

type Rule = (deletion: Deletion) => number;

/** A bowl over all axes, deepest for 2 registers from 1 to 3 x4 and a deletion at block 1. */
const bowl =
  (rule: Rule) =>
  ({ prefix, delete: deletion }: Intervention, image: number): number => {
    const tau = Math.log2(prefix?.count ?? 0.5) - 2;
    const last = prefix ? Math.abs(prefix.to - 3) / 6 : 1;
    const registers = prefix ? Math.abs(Math.log2(prefix.distinct ?? 1) - 1) / 4 : 1;
    const from = prefix ? (1 - prefix.from) / 3 : 1;
    const noise = 0.05 * Math.sin(7 * image + (prefix?.from ?? 0));
    const deleted = deletion ? rule(deletion) + (1 - deletion.block) / 2 : 3;
    return 1 + tau ** 2 / 4 + last + registers + from + deleted + noise;
  };

/** What a deletion leaves, with the least for one rule at one strength. */
const DEEPEST: Record<string, Rule> = {
  "L-inf after LayerNorm": (deletion) =>
    deletion.by === "criterion"
      ? 2
      : Math.abs(deletion.count - 6) / 4 +
        (deletion.by === "similarity" ? 0.6 : deletion.tensor === "post-ln" ? 0 : 0.4),
  "a criterion at half its cutoff": (deletion) =>
    deletion.by === "criterion" && deletion.criterion === "jiang"
      ? Math.abs(Math.log2((deletion.above ?? 75) / 37.5)) / 3 + (deletion.tensor ? 0.2 : 0)
      : 1.5,
  "a criterion without a cutoff": (deletion) => {
    if (deletion.by !== "criterion") return 1 + deletion.count / 20;
    return deletion.criterion === "prefixquant" && !deletion.tensor ? 0 : 1.2;
  },
};

describe("the search over the wider grid", () => {
  const grid = gridOf({ registers: [1, 2, 4], to: "any", tensor: "any", criteria: ["prefixquant", "jiang"] });

  it.each(Object.entries(DEEPEST))(
    "finds the whole grid's best within 0.5 % at less than a quarter of its evaluations: %s",
    async (_, rule) => {
      const error = bowl(rule);
      const whole = await lastReport(searchExhaustively(fakeScores(error, { several }).scores, grid, "mse"));
      const found = await lastReport(searchSettings(fakeScores(error, { several }).scores, grid, "mse"));
      expect(found.best!.mse).toBeLessThanOrEqual(1.005 * whole.best!.mse);
      expect(found.evaluations).toBeLessThan(found.exhaustive / 4);
      expect(whole.evaluations).toBe(whole.exhaustive);
      expect(whole.best!.setting.prefix).toEqual({ from: 1, to: 3, count: 4, distinct: 2 });
    },
  );

  it("runs several registers by their own id, and remembers their scores under it", async () => {
    const error = bowl(Object.values(DEEPEST)[0]!);
    const first = fakeScores(error, { several });
    const done = await lastReport(searchSettings(first.scores, grid, "mse"));
    for (const { intervention } of first.log) {
      if (!intervention.prefix) continue;
      expect(intervention.prefix.registers).toBe(several.get(intervention.prefix.distinct ?? 1));
    }
    const subject = searchSubject("sha", first.scores);
    const known = readSearchState(writeSearchState(subject, first.scores), subject, 16, STATE);
    const again = fakeScores(error, { known, several });
    expect(await lastReport(searchSettings(again.scores, grid, "mse"))).toEqual(done);
    expect(again.scores.runs).toBe(0);
    const others = fakeScores(error, { known, several: new Map([...several, [2, "other"]]) });
    await lastReport(searchSettings(others.scores, grid, "mse"));
    const ran = others.log.filter(({ intervention }) => intervention.quantize);
    expect(ran.length).toBeGreaterThan(0);
    expect(ran.every(({ intervention }) => intervention.prefix?.registers === "other")).toBe(true);
  });

  it("goes on from the scores of a search over the plain grid", async () => {
    const error = bowl(Object.values(DEEPEST)[0]!);
    const plain = fakeScores(error);
    await lastReport(searchSettings(plain.scores, gridOf({}), "mse"));
    const fresh = fakeScores(error, { several });
    const whole = await lastReport(searchSettings(fresh.scores, grid, "mse"));
    const wider = fakeScores(error, { known: plain.scores.all, several });
    const found = await lastReport(searchSettings(wider.scores, grid, "mse"));
    expect(found.best).toEqual(whole.best);
    expect(wider.scores.runs).toBeLessThan(fresh.scores.runs);
  });
});
