import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Readout } from "../evaluate/readout.ts";
import { FIXTURES } from "../text/fixtures.ts";
import { runCaptured } from "./run-captured.ts";

/** Zero-shot classification from the command line, with the reduced checkpoints of every layout. */

const fixture = (name: string) => fileURLToPath(new URL(`../text/fixtures/${name}`, import.meta.url));
const NAMES = { n01: "tench", n02: "church", n03: "French horn" };
let root: string;
const at = (path: string) => join(root, path);

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "regscope-zero-shot-"));
  for (const [hue, folder] of Object.keys(NAMES).entries()) {
    mkdirSync(at(`data/${folder}`), { recursive: true });
    for (let i = 0; i < 2; i++) {
      const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, p) =>
        p % 3 === hue ? 200 : (p * (i + 3) * 31) % 120,
      );
      const raw = { width: 32, height: 32, channels: 3 } as const;
      writeFileSync(at(`data/${folder}/${i}.png`), await sharp(pixels, { raw }).png().toBuffer());
    }
  }
  writeFileSync(at("names.json"), JSON.stringify(NAMES));
  writeFileSync(at("long.txt"), `a church ${"and a church ".repeat(80)}\ntench\nFrench horn`);
});
afterAll(() => rmSync(root, { recursive: true }));

const lab = (...argv: string[]) => runCaptured(argv, at("assets"));

async function json(...argv: string[]) {
  const { code, out } = await lab(...argv, "--json");
  expect(code).toBe(0);
  return JSON.parse(out);
}

describe.each(FIXTURES)("%s", (name) => {
  test("eval counts what trace reads off the same images", async () => {
    const words = ["--classes", at("names.json"), "--templates", "subset-7"];
    const argv = ["eval", "--model", fixture(name), "--data", at("data"), "--probe", "zero-shot", ...words];
    const report = await json(...argv);
    expect(report.head).toBe("zero-shot over 3 classes, 7 templates");
    expect(report.n).toBe(6);
    let correct = 0;
    for (const [folder, label] of Object.entries(NAMES)) {
      for (const image of ["0.png", "1.png"]) {
        const path = at(`data/${folder}/${image}`);
        const traced = await json("trace", "--model", fixture(name), "--image", path, ...words);
        const { top, exclusive } = traced.readout as Readout;
        expect(exclusive).toBe(!name.includes("siglip"));
        if (exclusive) expect(top.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
        if (top[0]!.label === label) correct++;
      }
    }
    expect(report.configurations[0].correct).toBe(correct);
  });
});

describe("bad input", () => {
  const evaluate = (model: string, ...flags: string[]) =>
    lab("eval", "--model", model, "--data", at("data"), "--probe", "zero-shot", ...flags);

  test("prompts that are too long are cut, and that is said", async () => {
    const { code, err } = await evaluate(fixture("clip"), "--classes", at("long.txt"));
    expect(code).toBe(0);
    expect(err).toMatch(/Prompts cut to the 77 tokens of the text tower: 1/);
  });

  test.each([
    [
      "no tokenizer",
      "clip",
      (folder: string) => rmSync(`${folder}/tokenizer.json`),
      /tokenizer.json beside the weights, got none/,
    ],
    [
      "a tokenizer of another model",
      "siglip",
      (folder: string) => cpSync(join(fixture("clip"), "tokenizer.json"), `${folder}/tokenizer.json`),
      /token ids of the text tower's embedding, got 656/,
    ],
    [
      "a tokenizer.json that is none",
      "clip",
      (folder: string) => writeFileSync(`${folder}/tokenizer.json`, "{"),
      /tokenizer.json: expected JSON/,
    ],
  ])("%s is refused with what to do", async (_, name, damage, message) => {
    const folder = at(`damaged-${name}`);
    cpSync(fixture(name), folder, { recursive: true });
    damage(folder);
    const { code, err } = await evaluate(folder);
    rmSync(folder, { recursive: true });
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  test.each([
    [["--classes", "missing.txt"], /missing.txt: expected a file with class names/],
    [["--templates", "missing.txt"], /missing.txt: expected a file with prompt templates, or one of simple/],
    [["--classes", "two"], /a name for each of the 3 class folders, got 2 names/],
  ])("%j", async (flags, message) => {
    writeFileSync(at("two"), "a\nb");
    const paths = flags.map((flag) => (flag === "two" ? at("two") : flag));
    const { code, err } = await evaluate(fixture("clip"), ...paths);
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });
});
