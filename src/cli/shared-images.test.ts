import { symlinkSync } from "node:fs";
import { relative } from "node:path";
import { expect, test } from "vitest";
import { labOfTests } from "./test-lab.ts";

const lab = labOfTests();

const evaluate = (...flags: string[]) =>
  lab.run("eval", "--model", lab.at("model"), "--data", lab.at("val"), "--probe", "ncm", "--json", ...flags);
const SHARED = "shares 8 of the 8 images of val that are evaluated";

test("an evaluation says which of its images a probe, registers or ranges are learnt from, and goes on", async () => {
  symlinkSync(lab.at("val"), lab.at("linked"));
  const probe = ["--train", lab.at("train")];
  const curate = (folder: string) => ["--curate", `block=1,data=${folder}`, "--prefix", "from=1,count=1"];
  const calibrate = (folder: string) => ["--quantize", "w8a8,range=min-max", "--calibrate", `data=${folder}`];
  const ways: [flag: string, of: (folder: string) => string[]][] = [
    ["--train", (folder) => ["--train", folder]],
    ["--curate", (folder) => [...probe, ...curate(folder)]],
    ["--calibrate", (folder) => [...probe, ...calibrate(folder)]],
  ];
  for (const [flag, of] of ways) {
    for (const folder of [lab.at("val"), lab.at("linked"), relative(".", lab.at("val"))]) {
      const { code, out, err } = await evaluate(...of(folder));
      expect(code, err).toBe(0);
      expect(err, folder).toContain(`${flag} ${SHARED}`);
      expect(JSON.parse(out).n).toBe(8);
    }
    expect((await evaluate(...of(lab.at("train")))).err).not.toContain("shares");
  }
});

test("the comparisons, which choose settings on --train, refuse that", async () => {
  symlinkSync(lab.at("val"), lab.at("again"));
  const { code, err } = await lab.run(
    ...["ablate", "--model", lab.at("model"), "--train", lab.at("again"), "--data", lab.at("val"), "--json"],
  );
  expect(code).not.toBe(0);
  expect(err).toMatch(/--train and --data: expected disjoint images, got .*val.* in both/);
});
