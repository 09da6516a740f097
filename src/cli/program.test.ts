import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { memorySource } from "../checkpoint/byte-source.ts";
import { openSafetensors } from "../checkpoint/safetensors.ts";
import type { ConfigurationResult } from "../evaluate/report.ts";
import { runCli } from "./program.ts";
import { writeDamaged } from "./test-damaged.ts";
import { labOfTests } from "./test-lab.ts";

/** The whole command line over onnxruntime-node, on a small random checkpoint of a real layout. */

const { at, run: lab, json } = labOfTests();

describe("trace", () => {
  const image = ["--image"];
  beforeAll(() => image.push(at("val/red/1.png")));
  const trace = (...argv: string[]) => json("trace", "--model", at("model"), ...image, ...argv);

  test("reads the five most probable classes off the own head", async () => {
    const { readout } = await trace();
    expect(readout).toMatchObject({ head: "own head", exclusive: true });
    expect(readout.top.map(({ label }: { label: string }) => label).sort()).toEqual(["class 0", "class 1"]);
    expect(readout.top[0].probability + readout.top[1].probability).toBeCloseTo(1, 6);
  });

  test("prints the contract, block by block", async () => {
    const report = await trace("--full");
    expect(report.model).toMatchObject({ family: "timm-vit", blocks: 3, tokens: 17, width: 64 });
    expect(report.model.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(report.blocks.map((block: { block: number }) => block.block)).toEqual([0, 1, 2]);
    for (const block of report.blocks) {
      const { linf, topChannel, positions, fc2Input } = block.perToken;
      const row = linf.indexOf(Math.max(...linf));
      expect(block.residual.max).toBe(linf[row]);
      expect(block.residual.maxToken).toBe(positions[row]);
      expect(block.residual.maxChannel).toBe(topChannel[row]);
      expect(block.residual.cls).toBe(linf[0]);
      expect(block.residual.median).toBe(linf.toSorted((a: number, b: number) => a - b)[8]);
      expect(block.fc2Input.max).toBe(Math.max(...fc2Input));
      expect(block.medianAbs).toBeGreaterThan(0);
    }
    expect(report.feature).toHaveLength(64);
  });

  test("is deterministic, and lean without --full", async () => {
    const [first, second] = [await trace(), await trace()];
    expect(second).toEqual(first);
    expect(first.blocks[0]).not.toHaveProperty("medianAbs");
    expect(first).not.toHaveProperty("feature");
  });

  test("deletion drops tokens from its block on; quantization and the prefix change what follows", async () => {
    const curate = `block=1,data=${at("train")},top=5,limit=4`;
    const plain = await trace();
    const changed = await trace(
      ...["--curate", curate, "--prefix", "from=1,count=2", "--delete", "block=2,count=3"],
      ...["--quantize", "w4a4"],
    );
    expect(changed.deleted).toHaveLength(3);
    expect(changed.blocks.map((block: { tokens: number }) => block.tokens)).toEqual([17, 17, 14]);
    expect(changed.blocks[0].prefixReceived).toBe(0);
    expect(changed.blocks[1].prefixReceived).toBeGreaterThan(0);
    expect(changed.blocks[0].residual.max).not.toBe(plain.blocks[0].residual.max);
    expect(changed.intervention).toMatchObject({
      prefix: { from: 1, to: 2, count: 2 },
      delete: { block: 2, count: 3, by: "linf" },
      quantize: { weightBits: 4, activationBits: 4 },
    });
  });

  test("--features and --refill write the dense map, and leave the feature and the trace alone", async () => {
    const flags = ["--full", "--delete", "block=1,count=3,tensor=post-ln"];
    const plain = await trace(...flags);
    const { features, ...rest } = await trace(...flags, "--features", at("dense.safetensors"), "--refill");
    expect(rest).toEqual(plain);
    expect(features).toMatchObject({ shape: [4, 4, 64], deleted: 3, refilled: true });
    const file = await openSafetensors(memorySource(readFileSync(at("dense.safetensors")), "dense"));
    const map = await file.read("features", [4, 4, 64]);
    const { positions, linf } = plain.blocks.at(-1).perToken;
    positions.slice(1).forEach((token: number, row: number) => {
      const vector = map.subarray(64 * (token - 1), 64 * token);
      expect(Math.max(...vector.map(Math.abs))).toBe(linf[row + 1]);
    });
  });

  test("a deletion by criterion says how many were deleted", async () => {
    const { blocks } = await trace("--full");
    const norms = blocks[0].perToken.l2.slice(1).toSorted((a: number, b: number) => b - a);
    const rule = `block=1,criterion=darcet,above=${(norms[1] + norms[2]) / 2}`;
    expect((await trace("--delete", rule)).deleted).toHaveLength(2);
    const { out } = await lab("trace", "--model", at("model"), ...image, "--delete", `${rule},at-most=1`);
    expect(out).toMatch(/; 1 deleted tokens?: \d+$/m);
    const none = await lab("trace", "--model", at("model"), ...image, "--delete", "block=1,criterion=sun");
    expect(none.out).toMatch(/; no tokens deleted$/m);
  });

  test("prints a table without --json", async () => {
    const { code, out } = await lab("trace", "--model", at("model"), ...image);
    expect(code).toBe(0);
    expect(out).toMatch(/^block +residual max +p99/m);
    expect(
      out
        .trim()
        .split("\n")
        .slice(-3)
        .map((line) => line.split(" ")[0]),
    ).toEqual(["0", "1", "2"]);
  });
});

describe("eval", () => {
  const evaluate = (...argv: string[]) => json("eval", "--model", at("model"), "--data", at("val"), ...argv);

  test.each(["ncm", "ridge", "knn"])("a %s probe tells red from green", async (probe) => {
    const report = await evaluate("--probe", probe, "--train", at("train"));
    expect(report).toMatchObject({ n: 8, seed: 0, total: 8, dataset: "val" });
    const [fp32, naive] = report.configurations;
    expect(fp32).toMatchObject({
      name: "fp32",
      top1: 1,
      meanCosine: 1,
      difference: { value: 0, interval: [0, 0] },
    });
    expect(fp32.interval[0]).toBeCloseTo(0.6756, 4); // Wilson, 8 of 8
    expect(naive.name).toBe("naive-w8a8");
    expect(naive.meanCosine).toBeGreaterThan(0.9);
    expect(naive.meanCosine).toBeLessThan(1);
    expect(naive.difference.interval[0]).toBeLessThanOrEqual(naive.difference.value);
  });

  test("the own head, a limit and a seed; deterministic", async () => {
    const argv = ["--probe", "own", "--limit", "5", "--seed", "3", "--quantize", "w6a6,weights=per-channel"];
    const [first, second] = [await evaluate(...argv), await evaluate(...argv)];
    expect(first).toMatchObject({ n: 5, seed: 3, head: "own head, classes matched by their sorted order" });
    expect(first.configurations[1].name).toBe("naive-w6a6");
    const timeless = (report: typeof first) => ({
      ...report,
      configurations: report.configurations.map(
        ({ millisecondsPerImage: _, ...rest }: ConfigurationResult) => rest,
      ),
    });
    expect(timeless(second)).toEqual(timeless(first));
  });

  test("int8 beside its simulation, with its time and bytes; static ranges from calibration images", async () => {
    const argv = ["--probe", "own", "--limit", "3", "--calibrate", `data=${at("train")},limit=4`];
    const { configurations, intervention } = await evaluate(
      ...[...argv, "--quantize", "w8a8,arithmetic=int8,range=min-max"],
    );
    const names = configurations.map(({ name }: ConfigurationResult) => name);
    expect(names).toEqual(["fp32", "naive-w8a8", "naive-int8"]);
    const [fp32, simulated, int8]: ConfigurationResult[] = configurations;
    expect(simulated!.weightBytes).toBe(fp32!.weightBytes);
    expect(int8!.weightBytes).toBeLessThan(0.26 * fp32!.weightBytes);
    expect(int8!.millisecondsPerImage).toBeGreaterThan(0);
    expect(int8!.meanCosine).toBeGreaterThan(0.9);
    expect(intervention.quantize.calibration).toMatch(/^train-4-[0-9a-f]{8}$/);
    const { err } = await lab(
      ...["eval", "--model", at("model"), "--data", at("val"), "--quantize", "w8a8,base=repq-vit", ...argv],
    );
    expect(err).toContain("Calibrating, statistics (images): 4 of 4\n");
    expect(err).toContain("Calibrating, scale search (blocks): 3 of 3\n");
    const union = ["--calibrate", `data=${at("train")},data=${at("other")},limit=2`];
    const both = await evaluate(
      "--probe",
      "own",
      "--limit",
      "1",
      "--quantize",
      "w8a8,range=min-max",
      ...union,
    );
    expect(both.intervention.quantize.calibration).toMatch(/^train \+ other-4-[0-9a-f]{8}$/);
  });

  test("ranges per batch: the same for any number of engines, other numbers than per image", async () => {
    const of = (range: string, ...argv: string[]) =>
      evaluate("--probe", "own", "--limit", "7", "--quantize", `w4a4,range=${range}`, ...argv);
    const cosines = ({ configurations }: { configurations: ConfigurationResult[] }) =>
      configurations.map(({ meanCosine }) => meanCosine);
    const [one, two] = [
      await of("dynamic-batch,batch=3", "--jobs", "1"),
      await of("dynamic-batch,batch=3", "--jobs", "2"),
    ];
    expect(one).toMatchObject({ n: 7, batch: 3, intervention: { quantize: { range: { batch: 3 } } } });
    expect(cosines(two)).toEqual(cosines(one));
    const perImage = await of("dynamic");
    expect(perImage.batch).toBe(1);
    expect(cosines(perImage)[0]).toBe(1);
    expect(cosines(perImage)[1]).not.toBe(cosines(one)[1]);
  });

  test("prints a table without --json", async () => {
    const { out } = await lab("eval", "--model", at("model"), "--data", at("val"), "--probe", "own");
    expect(out).toMatch(/8 images, seed 0/);
    expect(out).toMatch(/^naive-w8a8 +\d+\.\d %/m);
  });
});

describe("sensitivity", () => {
  test("one linear at a time, label-free on a flat folder and by the own head on class folders", async () => {
    const common = ["sensitivity", "--model", at("model"), "--bits", "4", "--by", "linear", "--limit", "2"];
    const flat = await json(...common, "--data", at("val/red"));
    expect(flat).toMatchObject({
      n: 2,
      by: "linear",
      head: null,
      fp32: null,
      quantize: { activationBits: 4 },
    });
    expect(flat.units).toHaveLength(12);
    expect(flat.units[3]).toMatchObject({ block: 0, linear: "fc2", accuracy: null });
    expect(flat.blocks[2].fc2Input.max).toBeGreaterThan(0);
    const labelled = await json(...common, "--data", at("val"));
    expect(labelled.units[0].accuracy.top1).toBeLessThanOrEqual(1);
  });

  test("prints a table without --json", async () => {
    const { out } = await lab("sensitivity", "--model", at("model"), "--data", at("val"), "--limit", "1");
    expect(out).toMatch(/^most sensitive: block \d$/m);
    expect(out).toMatch(/^block 2 +\d/m);
  });
});

test("outliers: over the union of several folders, without what cannot be read", async () => {
  const count = async (...folders: string[]) => {
    const { code, out, err } = await lab("outliers", "--model", at("model"), "--data", ...folders, "--json");
    return { code, err, report: code === 0 ? JSON.parse(out) : null };
  };
  const [train, val] = [(await count(at("train"))).report, (await count(at("val"))).report];
  const { report } = await count(at("train"), at("val"));
  expect(report).toMatchObject({ n: train.n + val.n, dataset: "train + val", skipped: { count: 0 } });
  for (const [b, { max, tokens }] of report.blocks.entries()) {
    expect(max).toBe(Math.max(train.blocks[b].max, val.blocks[b].max));
    expect(tokens.max).toBe(Math.max(train.blocks[b].tokens.max, val.blocks[b].tokens.max));
  }
  await writeDamaged(at("damaged"));
  const mixed = (await count(at("train"), at("damaged"))).report;
  expect(mixed).toMatchObject({ n: train.n, skipped: { count: 2 } });
  expect(mixed.blocks[0].max).toBe(train.blocks[0].max);
  expect(await count(at("train"), at("train"))).toMatchObject({
    ...{ code: 2, err: expect.stringContaining("sets without common images") },
  });
});

test("outliers: counted block by block on a folder of images, as JSON or a table", async () => {
  const argv = ["outliers", "--model", at("model"), "--data", at("val"), "--limit", "2"];
  const report = await json(...argv, "--criterion", "prefixquant");
  expect(report).toMatchObject({ n: 2, criterion: "prefixquant" });
  for (const { images, cosine, max } of report.blocks) {
    expect(images).toBe(0); // random weights have none
    expect(cosine.outliers).toBeNull();
    expect(max).toBeGreaterThan(0);
  }
  expect((await lab(...argv)).out).toMatch(/2 images of val/);
  const { code, err } = await lab("outliers", "--model", at("model"));
  expect(code).toBe(2);
  expect(err).toMatch(/no --data/);
});

test("eval --bundled: the bundled encoder, its own head, its recommended setting", async () => {
  const [folder, data] = [at("assets/models/scenes-vit"), at("assets/datasets/scenes")];
  cpSync(at("model"), folder, { recursive: true });
  mkdirSync(data, { recursive: true });
  await lab(
    ...["curate", "--model", folder, "--data", at("train"), "--block", "1"],
    ...["--out", join(folder, "registers.safetensors")],
  );
  const setting = { prefix: { from: 1, count: 2 }, delete: { block: 2, count: 2, by: "similarity" } };
  writeFileSync(join(folder, "recommended.json"), JSON.stringify(setting));
  const sheet = { name: "scenes", version: 1, licence: "MIT", tile: 20, columns: 32, count: 3 };
  const labels = { ...sheet, classes: ["red", "green"], labels: [0, 1, 0], images: "images.png" };
  writeFileSync(join(data, "labels.json"), JSON.stringify(labels));
  const gray = { width: 60, height: 20, channels: 3, background: "#777" } as const;
  await sharp({ create: gray }).png().toFile(join(data, "images.png"));

  const report = await json("eval", "--bundled");
  expect(report).toMatchObject({ n: 3, seed: 0, dataset: "scenes" });
  expect(report.configurations.map((each: { name: string }) => each.name)).toEqual([
    "fp32",
    "naive-w8a8",
    "regcache-w8a8",
  ]);
  rmSync(at("assets"), { recursive: true });
});

test("an aborted run exits 130", async () => {
  const err = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  const argv = ["trace", "--model", at("model"), "--image", at("val/red/1.png")];
  expect(await runCli(argv, at("assets"), AbortSignal.abort())).toBe(130);
  err.mockRestore();
});

test("--help exits 0 and lists the commands", async () => {
  const { code, out } = await lab("--help");
  expect(code).toBe(0);
  for (const command of ["trace", "eval", "curate", "sensitivity", "search", "ablate"])
    expect(out).toContain(command);
});
