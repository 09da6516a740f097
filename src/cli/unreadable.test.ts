import { cpSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { writeDamaged } from "./test-damaged.ts";
import { labOfTests } from "./test-lab.ts";

const lab = labOfTests();
const LEFT_OUT =
  /^2 unreadable images are left out: .*cut\.(png|jpg): expected an image that can be decoded/m;

/** The training images, two damaged ones among them. */
beforeAll(async () => {
  cpSync(lab.at("train"), lab.at("mixed"), { recursive: true });
  await writeDamaged(lab.at("mixed/red"));
  await writeDamaged(lab.at("broken"));
});

/** What a command prints as JSON on the damaged set and on the whole one; only the first says what it left out. */
async function both(command: string, ...rest: string[]) {
  const on = async (data: string) => {
    const flags = ["--model", lab.at("model"), "--data", lab.at(data), ...rest, "--json"];
    const { code, out, err } = await lab.run(command, ...flags);
    expect(code, err).toBe(0);
    return { report: JSON.parse(out), err };
  };
  const [mixed, whole] = [await on("mixed"), await on("train")];
  expect(mixed.err).toMatch(LEFT_OUT);
  expect(whole.err).not.toContain("left out");
  return { mixed: mixed.report, whole: whole.report };
}

test("a curation leaves damaged images out, counts them, and says the first reason", async () => {
  const out = ["--out", lab.at("registers.safetensors")];
  const { mixed, whole } = await both("curate", "--block", "1", "--top", "6", ...out);
  expect(mixed.registers).toMatchObject({ images: 8, data: "8 images of mixed", skipped: { count: 2 } });
  expect(whole.registers).toMatchObject({ images: 8, skipped: { count: 0, examples: [] } });
});

test("so does a sweep of sensitivity", async () => {
  const { mixed, whole } = await both("sensitivity", "--quantize", "w4a4,range=min-max");
  expect(mixed).toMatchObject({ n: 8, total: 8, skipped: { count: 2 } });
  expect(mixed.skipped.examples).toHaveLength(2);
  expect(mixed.mostSensitive).toEqual(whole.mostSensitive);
});

test("so does a search", async () => {
  const { mixed } = await both("search", "--bits", "4", "--block", "1", "--rule", "linf");
  expect(mixed).toMatchObject({ images: 8, skipped: { count: 2 }, registers: { images: 8 }, done: true });
});

test("and a calibration", async () => {
  const calibrate = (...folders: string[]) => [
    ...["trace", "--model", lab.at("model"), "--image", lab.at("val/red/1.png"), "--json"],
    ...["--quantize", "w8a8,range=min-max"],
    ...["--calibrate", folders.map((folder) => `data=${lab.at(folder)}`).join(",")],
  ];
  const [mixed, whole] = [await lab.run(...calibrate("mixed")), await lab.run(...calibrate("train"))];
  expect(mixed.err).toMatch(LEFT_OUT);
  const of = ({ out }: { out: string }) => JSON.parse(out).blocks;
  expect(of(whole)).toHaveLength(3);
  expect(of(mixed)).toEqual(of(whole));
  const none = await lab.run(...calibrate("broken"));
  expect(none.code).toBe(2);
  expect(none.err).toMatch(
    /Images of broken: expected at least one image that can be decoded, got 2 that cannot/,
  );
});
