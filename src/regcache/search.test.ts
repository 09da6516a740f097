import { describe, expect, it } from "vitest";
import { CancelledError, InputError } from "../errors/input-error.ts";
import { mostDeleted } from "../intervention/deletion.ts";
import type { Intervention } from "../intervention/intervention.ts";
import { deletionRules } from "./deletion-rules.ts";
import { searchExhaustively, searchSettings } from "./search.ts";
import { readSearchState, searchSubject, writeSearchState } from "./search-state.ts";
import { cellsOf, coarseCells, settingGrid } from "./setting-grid.ts";
import { fakeScores, IMAGES, lastReport } from "./test-search.ts";

const STATE = { name: "state.json", remedy: "Choose another file." };

/** Feature error as a bowl around prefix 5 x4 and 3 tokens at block 6, deeper for similarity, different by image. */
function error({ prefix, delete: deletion }: Intervention, image: number): number {
  const tau = Math.log2(prefix?.count ?? 0.5) - 2;
  const noise = 0.05 * Math.sin(7 * image + (prefix?.from ?? 0));
  const kept = deletion ? Math.abs(mostDeleted(deletion)! - 4) / 4 + Math.abs(deletion.block - 6) : 4;
  const rule = deletion?.by === "similarity" ? 0 : 0.3;
  return 1 + tau ** 2 / 4 + Math.abs((prefix?.from ?? 0) - 5) / 3 + kept + rule + noise;
}

const scoresOf = (options: Parameters<typeof fakeScores>[1] = {}) => fakeScores(error, options);

const grid = settingGrid(7, deletionRules({ rule: "any" }));
const paper = settingGrid(7, deletionRules({ rule: "linf" }));

describe("the grid", () => {
  it("spans l_q - 3..l_q, with and without a prefix and a deletion, each setting once", () => {
    expect(grid.from).toEqual([4, 5, 6, 7]);
    expect(settingGrid(1, paper.rules).from).toEqual([0, 1]);
    const cells = cellsOf(grid);
    expect(cells).toHaveLength((1 + 4 * 5) * (1 + 4 * 6 * 2));
    expect(new Set(cells.map(({ key }) => key)).size).toBe(cells.length);
    expect(cells[0]!.setting).toEqual({ prefix: null, delete: null });
    expect(coarseCells(cells, grid).length).toBeLessThan(cells.length / 6);
  });
});

describe("the search", () => {
  it.each(["mse", "accuracy"] as const)(
    "by %s finds the whole grid's best, within 0.5 %, at less than a quarter of its evaluations",
    async (objective) => {
      const exhaustive = await lastReport(
        searchExhaustively(scoresOf({ labelled: true }).scores, grid, objective),
      );
      expect(exhaustive.evaluations).toBe(exhaustive.exhaustive);
      const { scores } = scoresOf({ labelled: true });
      const found = await lastReport(searchSettings(scores, grid, objective));
      expect(found.done).toBe(true);
      expect(found.best!.n).toBe(IMAGES);
      expect(found.evaluations).toBe(scores.runs);
      expect(found.evaluations).toBeLessThan(found.exhaustive / 4);
      const [ours, best] = [found.best!, exhaustive.best!];
      if (objective === "mse") expect(ours.mse).toBeLessThanOrEqual(1.005 * best.mse);
      else expect(ours.top1).toBeGreaterThanOrEqual(0.995 * best.top1!);
      expect(best.top1).toBeGreaterThan(0);
    },
  );

  it("finds the paper's rule's own best when only that is allowed", async () => {
    const found = await lastReport(searchSettings(scoresOf().scores, paper, "mse"));
    expect(found.best!.setting).toEqual({
      prefix: { from: 5, count: 4 },
      delete: { block: 6, count: 4, by: "linf" },
    });
    expect(found.cells.every(({ setting }) => setting.delete?.by !== "similarity")).toBe(true);
  });

  it("shows every setting that was evaluated, while it fills", async () => {
    let before = 0;
    for await (const report of searchSettings(scoresOf().scores, grid, "mse")) {
      expect(report.cells.length).toBeGreaterThanOrEqual(before);
      before = report.cells.length;
    }
    expect(before).toBeGreaterThan(100);
  });

  it("shows what it has within an image that many settings run on", async () => {
    const first = searchSettings(scoresOf({ showEvery: 8 }).scores, grid, "mse");
    const { value } = await first.next();
    expect(value?.evaluations).toBe(8);
    expect(value?.cells).toHaveLength(8);
  });

  it("runs no setting twice on one image", async () => {
    const { scores, log } = scoresOf();
    await lastReport(searchSettings(scores, grid, "mse"));
    const seen = log
      .filter(({ intervention }) => intervention.quantize)
      .map(({ id, intervention }) => JSON.stringify([id, intervention]));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it("goes on from its state file where it was cancelled, and ends the same", async () => {
    const whole = await lastReport(searchSettings(scoresOf().scores, grid, "mse"));
    const abort = new AbortController();
    const first = scoresOf({ signal: abort.signal }).scores;
    const cancelled = (async () => {
      for await (const { evaluations } of searchSettings(first, grid, "mse")) {
        if (evaluations > 300) abort.abort();
      }
    })();
    await expect(cancelled).rejects.toThrow(CancelledError);
    const subject = searchSubject("sha", first);
    const known = readSearchState(writeSearchState(subject, first), subject, IMAGES, STATE);
    const { scores } = scoresOf({ known });
    const resumed = await lastReport(searchSettings(scores, grid, "mse"));
    expect(resumed).toEqual(whole);
    expect(scores.runs).toBe(whole.evaluations - first.runs);
    expect(first.runs).toBeGreaterThan(300);
  });

  it.each([
    ["another model's state", (text: string) => text.replace("sha", "other")],
    ["text that is no JSON", () => "{"],
    ["lists of different lengths", (text: string) => text.replace('"mse":[', '"mse":[1,')],
  ])("refuses %s", async (_, change) => {
    const { scores } = scoresOf();
    for await (const _ of scores.extend(cellsOf(grid).slice(0, 2), 1));
    const subject = searchSubject("sha", scores);
    const text = change(writeSearchState(subject, scores));
    expect(() => readSearchState(text, subject, IMAGES, STATE)).toThrow(InputError);
  });

  it("refuses scores of more images than there are", async () => {
    const { scores } = scoresOf();
    for await (const _ of scores.extend(cellsOf(grid).slice(0, 2), 3));
    const subject = searchSubject("sha", scores);
    const text = writeSearchState(subject, scores);
    expect(Object.keys(readSearchState(text, subject, 3, STATE))).toHaveLength(2);
    expect(() => readSearchState(text, subject, 2, STATE)).toThrow(
      "state.json: expected scores of 2 images at most, got of 3 images",
    );
  });
});
