import { readFileSync, writeFileSync } from "node:fs";
import { zipSync } from "fflate";
import { expect, test } from "vitest";
import { labOfTests } from "./test-lab.ts";

const lab = labOfTests();

test("curate writes registers that trace and eval read again", async () => {
  const out = lab.at("registers.safetensors");
  const summary = await lab.json(
    ...[
      "curate",
      "--model",
      lab.at("model"),
      "--data",
      lab.at("train"),
      "--block",
      "1",
      "--top",
      "6",
      "--out",
      out,
    ],
  );
  expect(summary.registers).toMatchObject({ block: 1, candidates: 6, images: 8, file: out });
  expect(summary.registers.bytes).toBe(readFileSync(out).byteLength);
  expect(summary.registers.cosine.outliers).toBeLessThanOrEqual(1);

  const report = await lab.json(
    ...[
      "eval",
      "--model",
      lab.at("model"),
      "--data",
      lab.at("val"),
      "--probe",
      "ncm",
      "--train",
      lab.at("train"),
    ],
    ...["--registers", out, "--prefix", "from=1,count=1", "--delete", "block=2,count=2,by=similarity"],
    ...["--configurations", "naive,prefix,delete,regcache,regcache-fp32"],
  );
  expect(report.intervention.prefix.registers).toBe(summary.registers.id);
  expect(report.configurations.map((each: { name: string }) => each.name)).toEqual([
    "fp32",
    "naive-w8a8",
    "prefix-w8a8",
    "delete-w8a8",
    "regcache-w8a8",
    "regcache-fp32",
  ]);
});

test("curate takes the union of several folders, and states how alike the tokens of each are", async () => {
  const out = lab.at("union.safetensors");
  const curate = (...folders: string[]) =>
    lab.json(
      ...["curate", "--model", lab.at("model"), "--data", ...folders],
      ...["--block", "1", "--top", "6", "--limit", "3", "--out", out],
    );
  const { registers } = await curate(lab.at("train"), lab.at("val"));
  expect(registers).toMatchObject({ candidates: 6, images: 6, data: "3 images of train, 3 images of val" });
  expect(registers.sets).toMatchObject([
    { name: "train", images: 3 },
    { name: "val", images: 3 },
  ]);
  const [train, val] = registers.sets.map(({ candidates }: { candidates: number }) => candidates);
  expect(train + val).toBe(6);
  const pairs = ["--curate", `data=${lab.at("train")},data=${lab.at("val")},block=1,top=6,limit=3`];
  const report = await lab.json(
    ...[
      "trace",
      "--model",
      lab.at("model"),
      "--image",
      lab.at("val/red/1.png"),
      "--prefix",
      "from=1,count=2",
      ...pairs,
    ],
  );
  expect(report.intervention.prefix.registers).toBe(registers.id);
  expect((await curate(lab.at("train"))).registers).not.toHaveProperty("sets");
  const twice = [
    "curate",
    "--model",
    lab.at("model"),
    "--data",
    lab.at("train"),
    lab.at("train"),
    "--block",
    "1",
  ];
  const { code, err } = await lab.run(...twice, "--out", out);
  expect(code).toBe(2);
  expect(err).toMatch(/sets without common images, got .*\.png\. Name it once\./);
});

test("an archive does as well as the folder that it holds: registers are the same", async () => {
  const files: Record<string, Uint8Array> = {};
  for (const name of ["red", "green"]) {
    for (let i = 1; i <= 4; i++) files[`${name}/${i}.png`] = readFileSync(lab.at(`train/${name}/${i}.png`));
  }
  writeFileSync(lab.at("train.zip"), zipSync(files));
  const curate = (data: string) =>
    lab.json(
      ...["curate", "--model", lab.at("model"), "--data", lab.at(data), "--block", "1", "--out", lab.at("z")],
    );
  expect((await curate("train.zip")).registers.id).toBe((await curate("train")).registers.id);
});
