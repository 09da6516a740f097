import { describe, expect, test } from "vitest";
import type { RegCacheSetting } from "../evaluate/recommended.ts";
import type { CellResult } from "../regcache/search.ts";
import { labOfTests } from "./test-lab.ts";

/** `search` over onnxruntime-node, on a small random checkpoint of a real layout. */

const { at, run: lab, json } = labOfTests();

describe("search", () => {
  const search = (...argv: string[]) =>
    json("search", "--model", at("model"), "--data", at("train"), "--limit", "4", "--bits", "4", ...argv);

  test("prints the best setting and every one that was evaluated; a state file saves runs", async () => {
    const state = at("state.json");
    const first = await search("--rule", "linf", "--state", state);
    expect(first).toMatchObject({ objective: "mse", images: 4, done: true, registers: { from: 0 } });
    expect(first.best).toEqual(first.cells[0]);
    expect(first.best.n).toBe(4);
    expect(first.evaluations).toBeLessThan(first.exhaustive);
    const again = await search("--rule", "linf", "--state", state, "--block", String(first.sensitiveBlock));
    expect(again.cells).toEqual(first.cells);
    const { code, err } = await lab(
      ...["search", "--model", at("model"), "--data", at("train"), "--limit", "3", "--state", state],
    );
    expect(code).toBe(2);
    expect(err).toMatch(/state of this search/);
  });

  test("by accuracy needs labels that a head reads", async () => {
    const { code, err } = await lab(
      ...["search", "--model", at("model"), "--data", at("train/red"), "--objective", "accuracy"],
    );
    expect(code).toBe(2);
    expect(err).toMatch(/--objective accuracy/);
  });

  test("ranges over last blocks, several registers, tensors and criteria when asked; a plain state goes on", async () => {
    const state = at("wide.json");
    const plain = await search("--rule", "linf", "--block", "1", "--state", state);
    const wide = [
      ...["--rule", "linf", "--block", "1", "--tensor", "any", "--criteria", "similarity,sun"],
      ...["--registers", "1,2", "--to", "any", "--state", state],
    ];
    const report = await search(...wide);
    expect(report.grid).toMatchObject({ to: [1, null], distinct: [1, 2] });
    expect(report.grid.rules).toHaveLength(2 + 1 + 2);
    expect(report.distinct.map(({ candidates }: { candidates: number[] }) => candidates.length)).toEqual([
      1, 2,
    ]);
    expect(report.settings).toBeGreaterThan(5 * plain.settings);
    expect(report.registers.id).toBe(plain.registers.id);
    expect(report.best.mse).toBeLessThanOrEqual(plain.best.mse);
    const settings: RegCacheSetting[] = report.cells.map(({ setting }: CellResult) => setting);
    expect(settings.some(({ prefix }) => prefix?.to === 1)).toBe(true);
    expect(settings.some(({ prefix }) => prefix?.distinct === 2)).toBe(true);
    expect(settings.some((setting) => setting.delete?.tensor === "post-ln")).toBe(true);
    expect(settings.some((setting) => setting.delete?.by === "criterion")).toBe(true);
    expect((await search(...wide)).cells).toEqual(report.cells);
  });

  test("bounds what criteria delete, when asked", async () => {
    const bounded = ["--criteria", "similarity", "--at-most", "2,all", "--block", "1"];
    const report = await search("--rule", "linf", ...bounded);
    const deletions = report.cells.flatMap(({ setting }: CellResult) => setting.delete ?? []);
    const bounds = deletions
      .filter(({ by }: { by: string }) => by === "criterion")
      .map(({ atMost }: { atMost?: number }) => atMost);
    expect(new Set(bounds)).toEqual(new Set([2, undefined]));
  });

  test.each([
    [["--at-most", "4"], /--at-most: expected --criteria, which it bounds, got none/],
    [["--at-most", "0", "--criteria", "sun"], /--at-most: expected a comma-separated list of numbers/],
    [["--registers", "0,2"], /--registers: expected a comma-separated list of numbers from 1 to 4/],
    [["--criteria", "large"], /--criteria: expected all, or/],
    [["--to", "last"], /--to: expected a comma-separated list of blocks, or any/],
    [
      ["--to", "0", "--block", "1"],
      /Last block of the prefix: expected blocks from the sensitive one, 1, to 2/,
    ],
    [["--tensor", "fc2"], /--tensor: expected one of residual, post-ln, any/],
  ])("refuses %j", async (flags, message) => {
    const argv = ["search", "--model", at("model"), "--data", at("train"), "--limit", "1", ...flags];
    const { code, err } = await lab(...argv);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});
