import { describe, expect, test } from "vitest";
import type { EvaluationReport } from "../evaluate/report.ts";
import type { LabApi } from "../worker/api.ts";
import { booted, modelInfo, REGISTERS, settle } from "./fake-lab.ts";

describe("an interrupted evaluation of an own data set", () => {
  const progress = (n: number): EvaluationReport => ({
    n,
    total: 64,
    skipped: { count: 1, examples: ["x.png"] },
    seed: 1,
    batch: 1,
    dataset: "own.zip",
    head: "own head",
    configurations: [],
  });
  const zip = { kind: "zip", file: new File([], "own.zip") } as const;

  test("is kept when it stops, offered for the same settings only, and continued", async () => {
    const requests: Parameters<LabApi["evaluate"]>[0][] = [];
    let update: (next: EvaluationReport, engines: number) => void = () => {};
    const { lab } = await booted({
      evaluate: (request, onUpdate) => {
        requests.push(request);
        update = onUpdate;
        return new Promise(() => {});
      },
    });
    await lab.openDataset(zip);
    expect(lab.savedAccuracy()).toBeNull();
    void lab.startAccuracy();
    await settle();
    const part = { ...progress(20), configurations: [{ name: "fp32", counts: COUNTS }] } as unknown;
    update(part as EvaluationReport, 1);
    await lab.stopAccuracy();
    expect(lab.savedAccuracy()?.progress).toMatchObject({ n: 20, skipped: { count: 1 } });
    lab.setAccuracy({ seed: 2 });
    expect(lab.savedAccuracy()).toBeNull();
    lab.setAccuracy({ seed: 1 });
    void lab.continueAccuracy();
    await settle();
    expect(requests.map(({ resume }) => resume?.n)).toEqual([undefined, 20]);
  });

  test.each([
    ["own head", ["shoe", "shirt", "bag"], false],
    ["zero-shot", null, true],
    ["a probe", null, false],
  ] as const)("read by %s: the probe matters only where one is fitted", async (by, classNames, embeds) => {
    let update: (next: EvaluationReport, engines: number) => void = () => {};
    const model = modelInfo("bundled", [REGISTERS]);
    const { lab } = await booted({
      openModel: async () => ({
        ...model,
        spec: { ...model.spec, classNames, classes: classNames?.length ?? 0 },
        hasText: true,
      }),
      evaluate: (_, onUpdate) => {
        update = onUpdate;
        return new Promise(() => {});
      },
    });
    const embed = async (templates: string) => {
      lab.setClasses({ names: "shirt\nshoe", templates });
      await lab.embedClasses();
    };
    await lab.openDataset(zip);
    if (embeds) await embed("a {}");
    void lab.startAccuracy();
    await settle();
    const part = { ...progress(20), configurations: [{ name: "fp32", counts: COUNTS }] } as unknown;
    update(part as EvaluationReport, 1);
    await lab.stopAccuracy();
    lab.setAccuracy({ probe: { kind: "knn", neighbours: 5 } });
    expect(lab.savedAccuracy()?.progress.n).toBe(by === "a probe" ? undefined : 20);
    if (embeds) await embed("the {}");
    expect(lab.savedAccuracy()?.progress.n).toBe(by === "own head" ? 20 : undefined);
  });
});

const COUNTS = { both: 20, firstOnly: 0, secondOnly: 0, neither: 0, cosines: 20 };

describe("the live accuracy", () => {
  const report = (n: number): EvaluationReport => ({
    n,
    total: 64,
    skipped: { count: 0, examples: [] },
    seed: 1,
    batch: 1,
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
