import { describe, expect, test } from "vitest";
import type { EvaluationReport } from "../evaluate/report.ts";
import { booted, settle } from "./fake-lab.ts";

describe("the live accuracy", () => {
  const report = (n: number): EvaluationReport => ({
    n,
    total: 64,
    skipped: { count: 0, examples: [] },
    seed: 1,
    dataset: "scenes",
    head: "own head",
    configurations: [],
  });

  test("streams reports, stops, and knows what it measured", async () => {
    let update: (next: EvaluationReport, engines: number) => void = () => {};
    const cancelled: string[] = [];
    const { lab, state } = await booted({
      evaluate: (request, onUpdate) => {
        update = onUpdate;
        expect(request).toMatchObject({
          dataset: "set-1",
          limit: 64,
          seed: 1,
        });
        return new Promise(() => {});
      },
      cancel: async (what) => void cancelled.push(what),
    });
    void lab.startAccuracy();
    await settle();
    update(report(3), 2);
    update(report(2), 2); // out of order
    await settle();
    expect(state().accuracy).toMatchObject({ running: true, report: { n: 3 }, engines: 2 });
    await lab.stopAccuracy();
    update(report(4), 2);
    await settle();
    expect(state().accuracy).toMatchObject({ running: false, report: { n: 3 } });
    expect(cancelled).toEqual(["evaluate"]);
  });
});
