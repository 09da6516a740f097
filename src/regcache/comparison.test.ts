import { expect, test } from "vitest";
import { COMPARISONS, prepareComparison } from "./comparison.ts";
import { PAPER_VALUES } from "./paper-values.ts";
import { prepareSearch } from "./prepare-search.ts";
import { sweepSensitivity } from "./sensitivity.ts";
import { countingEngine, testImages } from "./test-engine.ts";

const W4A4 = { weightBits: 4, activationBits: 4, weightGranularity: "per-tensor" } as const;
/** All of a subject but its engine. */
const CHOSEN_ON_FOUR = { sha256: "ab".repeat(32), images: testImages(4), head: null, quantize: W4A4 };

test("a comparison chooses everything on its images, and builds on one setting", async () => {
  const { engine } = await countingEngine(3);
  const stages = new Set<string>();
  const subject = {
    engine,
    ...CHOSEN_ON_FOUR,
    onProgress: (stage: string) => stages.add(stage.split(",")[0]!),
  };
  const comparison = await prepareComparison(subject, { objective: "mse" });
  const { start, settings, searches, configurations, omitted } = comparison;
  expect([...configurations, ...omitted].map(({ name }) => name).sort()).toEqual([...COMPARISONS].sort());
  const of = (name: string) => configurations.find((each) => each.name === name)!.intervention;
  expect(of("fp32")).toEqual({ prefix: null, delete: null, quantize: null });
  expect(of("naive")).toEqual({ prefix: null, delete: null, quantize: W4A4 });
  expect(of("regcache").quantize).toEqual(W4A4);
  expect(of("regcache-fp32").quantize).toBeNull();
  expect(of("prefix").prefix!.registers).toBe(start.prefixes.outliers.id);
  expect(of("prefix").delete).toBeNull();
  expect(of("delete")).toMatchObject({ prefix: null, delete: { by: "linf" } });
  expect(of("random-sink").prefix).toEqual({
    ...of("prefix").prefix,
    registers: start.prefixes.randomSink.id,
  });
  expect(of("mean-token").prefix!.registers).toBe(start.prefixes.meanToken.id);
  expect(settings.regcache).toEqual(searches.linf!.best!.setting);
  expect(searches.any.best!.mse).toBeLessThanOrEqual(1.05 * searches.linf!.best!.mse);
  expect([...stages]).toEqual(expect.arrayContaining(["Sensitivity", "Curating", "Search (linf)"]));

  const card = { prefix: { from: 1, count: 2 }, delete: { block: 2, count: 3, by: "similarity" as const } };
  const known = { setting: card, registers: start.prefixes.outliers.id };
  const given = await prepareComparison(subject, { objective: "mse", sensitiveBlock: 2, known });
  expect(given.searches.linf).toBeNull();
  const regcache = given.configurations.find(({ name }) => name === "regcache")!.intervention;
  expect(regcache).toMatchObject({ prefix: { from: 1, to: 2, count: 2 }, delete: card.delete });
});

test("every searched prefix has as many distinct registers as are asked for, and one token as many copies", async () => {
  const { engine } = await countingEngine(3);
  const subject = { engine, ...CHOSEN_ON_FOUR };
  const options = { objective: "mse", sensitiveBlock: 1, registers: 2 } as const;
  const { start, settings, searches, configurations } = await prepareComparison(subject, options);
  expect([...start.registers.keys()]).toEqual([1, 2]);
  const [one, two] = [...start.registers.values()].map(({ id }) => id);
  for (const { cells } of [searches.linf!, searches.any]) {
    const prefixes = cells.flatMap(({ setting }) => setting.prefix ?? []);
    expect(prefixes.length).toBeGreaterThan(0);
    expect(prefixes.every(({ distinct }) => distinct === 2)).toBe(true);
  }
  const of = (name: string) => configurations.find((each) => each.name === name)!.intervention;
  const { prefix } = of("prefix");
  expect(prefix).toMatchObject({ registers: two, distinct: 2 });
  for (const [name, id] of [
    ["random-sink", start.prefixes.randomSink.id],
    ["mean-token", start.prefixes.meanToken.id],
  ] as const) {
    const { distinct: _, ...range } = prefix!;
    expect(of(name).prefix).toEqual({ ...range, registers: id, count: 2 * prefix!.count });
  }
  expect(of("regcache").prefix?.registers).toBe(settings.regcache.prefix ? two : undefined);

  // A setting that is given keeps its own registers, and lends the parts that it lacks from the search.
  const deletes = { delete: { block: 1, count: 3, by: "linf" as const } };
  const known = { setting: deletes, registers: one! };
  const given = await prepareComparison(subject, { ...options, known });
  const named = (name: string) => given.configurations.find((each) => each.name === name)!.intervention;
  expect(named("regcache")).toMatchObject({ prefix: null, delete: deletes.delete });
  expect(named("prefix").prefix).toMatchObject({ registers: two, distinct: 2 });
});

test("with ranges per batch everything is chosen with ranges per image, and measured per batch", async () => {
  const { engine } = await countingEngine(2);
  const range = { kind: "dynamic-batch", batch: 4 } as const;
  const shared = { engine, sha256: "ab".repeat(32), images: testImages(2), head: null };
  const options = { objective: "mse", sensitiveBlock: 1 } as const;
  const perImage = await prepareComparison({ ...shared, quantize: W4A4 }, options);
  const quantize = { ...W4A4, range };
  const perBatch = await prepareComparison({ ...shared, quantize }, options);
  expect(perBatch.settings).toEqual(perImage.settings);
  for (const { name, intervention } of perBatch.configurations) {
    const other = perImage.configurations.find((each) => each.name === name)!.intervention;
    const measured = other.quantize && { ...other.quantize, range };
    expect(intervention).toEqual({ ...other, quantize: measured });
  }
  const reasons = Object.fromEntries(perBatch.omitted.map(({ name, reason }) => [name, reason]));
  expect(reasons["exclude-outliers"]).toMatch(/one image's tokens/);
  expect(reasons["test-time-register"]).toMatch(/test-time register|outlier/);
  await expect(prepareSearch({ ...shared, quantize }, 1)).rejects.toThrow(/Search: expected ranges of one/);
  const sweep = sweepSensitivity(engine, shared.images, { quantize, by: "block" });
  await expect(sweep.next()).rejects.toThrow(/Sensitivity: expected ranges of one image.*batch=4/);
});

test("the paper's values go by names of comparisons, as percent", () => {
  const names = PAPER_VALUES.flatMap(({ top1 }) => Object.keys(top1));
  const known: readonly string[] = COMPARISONS;
  expect(names.filter((name) => !known.includes(name))).toEqual([]);
  for (const value of PAPER_VALUES.flatMap(({ top1 }) => Object.values(top1))) {
    expect(value).toBeGreaterThan(1);
    expect(value).toBeLessThan(100);
  }
});
