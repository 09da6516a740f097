import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect } from "vitest";
import { randomCheckpoint } from "../families/random-checkpoint.ts";
import { runCaptured } from "./run-captured.ts";

/** For tests: the command line, in a folder with a small random checkpoint and class folders of pictures. */
interface TestLab {
  /** A path in the folder: model, train and val (classes red and green), other (red and blue). */
  at(path: string): string;
  /** Runs a command line; resolves with the exit code and what it wrote. */
  run(...argv: string[]): Promise<{ code: number; out: string; err: string }>;
  /** Runs a command that succeeds and says nothing but progress (and that random tokens are no outliers); resolves with its JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: each test says what it expects of it
  json(...argv: string[]): Promise<any>;
  dispose(): void;
}

const PROGRESS =
  /^(Loading|Reading[^:]*|Counting|Curating[^:]*|Calibrating[^:]*|Evaluating|Fitting the probe|Sensitivity|Search[^:]*: evaluations|Finding[^:]*|Choosing[^:]*): \d+ of \d+\n/gm;

/** A random encoder has no outliers, and the command line says so. */
const HARDLY_ALIKE = /^The curated tokens are hardly [^\n]*\n/gm;

/** The lab of a test file: there from its first test on, gone after its last. */
export function labOfTests(): Pick<TestLab, "at" | "run" | "json"> {
  let lab: TestLab;
  beforeAll(async () => {
    lab = await createTestLab();
  });
  afterAll(() => lab.dispose());
  return {
    at: (path) => lab.at(path),
    run: (...argv) => lab.run(...argv),
    json: (...argv) => lab.json(...argv),
  };
}

/** Writes the folder; `dispose` removes it. */
async function createTestLab(): Promise<TestLab> {
  const root = mkdtempSync(join(tmpdir(), "regscope-cli-"));
  const at = (path: string) => join(root, path);
  const { bytes, config } = randomCheckpoint({ blocks: 3, classes: 2 });
  mkdirSync(at("model"));
  writeFileSync(at("model/model.safetensors"), bytes);
  writeFileSync(at("model/config.json"), JSON.stringify(config));
  for (const [hue, name] of ["red", "green"].entries()) {
    for (let i = 1; i <= 4; i++) {
      await picture(at(`train/${name}/${i}.png`), hue, i);
      await picture(at(`val/${name}/${i}.png`), hue, i + 10);
    }
  }
  await picture(at("other/red/1.png"), 0, 1);
  await picture(at("other/blue/1.png"), 2, 1);
  const run = (...argv: string[]) => runCaptured(argv, at("assets"));
  return {
    at,
    run,
    async json(...argv) {
      const { code, out, err } = await run(...argv, "--json");
      expect(err.replace(PROGRESS, "").replace(HARDLY_ALIKE, "")).toBe("");
      expect(code).toBe(0);
      return JSON.parse(out);
    },
    dispose: () => rmSync(root, { recursive: true }),
  };
}

/** A noisy picture whose hue depends on its class, 20 x 20. */
async function picture(path: string, hue: number, seed: number): Promise<void> {
  const pixels = Uint8Array.from(
    { length: 1200 },
    (_, i) => (i % 3 === hue ? 170 : 40) + ((i * seed * 37) % 80),
  );
  mkdirSync(dirname(path), { recursive: true });
  const raw = { width: 20, height: 20, channels: 3 } as const;
  writeFileSync(path, await sharp(pixels, { raw }).png().toBuffer());
}
