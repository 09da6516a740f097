import { describe, expect, test } from "vitest";
import { labOfTests } from "./test-lab.ts";

const { at, run: lab, json } = labOfTests();

describe("ablate", () => {
  const sets = () => ["ablate", "--model", at("model"), "--train", at("train"), "--data", at("val")];
  const few = ["--limit", "3", "--train-limit", "3", "--bits", "4", "--block", "1"];

  test("prints the eval contract with the comparisons by name", async () => {
    const report = await json(...sets(), ...few);
    expect(report).toMatchObject({ n: 3, seed: 0, dataset: "val", sensitiveBlock: 1 });
    const names = report.configurations.map((each: { name: string }) => each.name);
    expect(names.slice(0, 7)).toEqual([
      ...["fp32", "naive", "prefix", "delete", "regcache", "regcache-similarity", "random-sink"],
    ]);
    expect(names).toEqual(expect.arrayContaining(["clip", "exclude-outliers", "test-time-register"]));
    const moved = report.configurations.find((each: { name: string }) => each.name === "test-time-register");
    expect(moved.intervention).toMatchObject({ prefix: null, delete: null });
    expect(moved.intervention.testTimeRegister.neurons.length).toBeGreaterThan(0);
    for (const [block] of moved.intervention.testTimeRegister.neurons) expect(block).toBeLessThanOrEqual(1);
    expect(report.configurations[0].difference.value).toBe(0);
    expect(report.search.linf.best.setting).toBeDefined();
    expect(report.paper.mark).toBe("[S]");
  });

  test("prints CSV, and a table with the paper's values at W8A8", async () => {
    const { out } = await lab(...sets(), ...few, "--csv");
    expect(out.split("\n")[1]).toMatch(/^fp32,3,/);
    const table = await lab(...sets(), "--limit", "1", "--train-limit", "2", "--block", "1");
    expect(table.out).toMatch(/CLIP-B\/16 \[S\]/);
    expect(table.out).toMatch(/^naive .*34\.01/m);
    expect(table.out).toMatch(/^test-time-register .*44\.30/m);
    expect(table.out).toMatch(/^test-time-register: neurons \d+ of block \d/m);
  });

  test("compares with several distinct registers, and says what came out", async () => {
    const report = await json(...sets(), ...few, "--registers", "2");
    const [one, two] = report.distinct;
    expect(report.distinct.map(({ candidates }: { candidates: number[] }) => candidates.length)).toEqual([
      1, 2,
    ]);
    expect(two.candidates[0] + two.candidates[1]).toBe(one.candidates[0]);
    const of = (name: string) =>
      report.configurations.find((each: { name: string }) => each.name === name).intervention;
    expect(of("prefix").prefix).toMatchObject({ registers: two.id, distinct: 2 });
    expect(of("random-sink").prefix).toMatchObject({ count: 2 * of("prefix").prefix.count });
    const { out } = await lab(...sets(), ...few, "--registers", "2");
    expect(out).toMatch(new RegExp(`^registers: 2, of ${two.candidates.join(", ")} tokens$`, "m"));
    const { code, err } = await lab(...sets(), ...few, "--registers", "5");
    expect(code).toBe(2);
    expect(err).toMatch(/--registers: expected a number from 1 to 4, got 5/);
  });

  test("measures with ranges per batch what it chose with ranges per image", async () => {
    const { out } = await lab(
      ...[...sets(), ...few.filter((flag) => flag !== "--bits" && flag !== "4")],
      ...["--quantize", "w4a4,range=dynamic-batch,batch=2"],
    );
    expect(out).toMatch(/3 images, seed 0, .*, W4A4, ranges per batch of 2/);
    expect(out).toMatch(/sensitive block 1, ranges per image/);
    expect(out).toMatch(/^left out: exclude-outliers: /m);
    expect(out).toMatch(/^regcache-similarity +\d+\.\d %/m);
  });

  test.each([
    ["own", /^own head/],
    ["ncm", /^nearest class mean .* fitted on 8 images$/],
    ["ridge", /^ridge probe .* fitted on 8 images$/],
    ["knn", /^3 nearest neighbours .* of 8 images$/],
  ])("reads labels by the head that is asked for: %s", async (probe, head) => {
    const known = ["--probe", probe, ...(probe === "knn" ? ["--neighbours", "3"] : [])];
    const report = await json(...sets(), "--limit", "2", "--train-limit", "1", "--block", "1", ...known);
    expect(report.head).toMatch(head);
  });

  test("refuses to choose settings on the test set", async () => {
    const argv = ["ablate", "--model", at("model"), "--train", at("val"), "--data", at("val"), ...few];
    const { code, err } = await lab(...argv);
    expect(code).toBe(2);
    expect(err).toMatch(/disjoint/);
  });
});
