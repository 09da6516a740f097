import { expect, test } from "vitest";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { FAKE_SPEC } from "./fake-engine.ts";
import type { EvaluationReport } from "./report.ts";
import { evaluationCsv, evaluationJson } from "./report-export.ts";
import { Tally } from "./tally.ts";

const tally = new Tally("fp32", { both: 3, firstOnly: 0, secondOnly: 0, neither: 1, cosines: 4 });
const report: EvaluationReport = {
  n: 4,
  total: 5,
  skipped: { count: 1, examples: ["x.png: damaged"] },
  seed: 7,
  batch: 2,
  dataset: 'my "own", set',
  head: "own head",
  configurations: [tally.result(true)],
};
const record = {
  spec: FAKE_SPEC,
  sha256: "ab",
  fingerprint: "cd",
  configurations: [{ name: "fp32", intervention: NO_INTERVENTION }],
  report,
};

test("the table has one row per configuration, quoted where it must be", () => {
  const [head, row, ...rest] = evaluationCsv(record).split("\n");
  expect(rest).toEqual([]);
  expect(head).toMatch(/^configuration,n,correct,top1,top1_low95,top1_high95,difference,/);
  expect(row).toMatch(
    /^fp32,4,3,0.75,0\.3\d+,0\.9\d+,0,0,0,1,0,0,5,1,7,2,"my ""own"", set",cd,own head,Fake,ab,/,
  );
});

test("the JSON holds model, data set, seed, intervals and interventions", () => {
  expect(evaluationJson(record)).toMatchObject({
    n: 4,
    total: 5,
    seed: 7,
    batch: 2,
    skipped: { count: 1 },
    fingerprint: "cd",
    model: { sha256: "ab", label: "Fake" },
    configurations: [{ name: "fp32", correct: 3, intervention: NO_INTERVENTION }],
  });
});
