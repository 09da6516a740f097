import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCaptured } from "./run-captured.ts";
import { labOfTests } from "./test-lab.ts";

/** `--state`: what a command that was interrupted goes on from, and when it must not. */

const { at, run: lab, json } = labOfTests();

const sweep = () => ["sensitivity", "--model", at("model"), "--data", at("train"), "--limit", "4"];
const evaluation = () => [
  ...["eval", "--model", at("model"), "--data", at("val"), "--probe", "ncm", "--train", at("train")],
  ...["--jobs", "1", "--quantize", "w4a4"],
];
const comparison = () => [
  ...["ablate", "--model", at("model"), "--train", at("train"), "--data", at("val"), "--jobs", "1"],
  ...["--limit", "4", "--train-limit", "2", "--bits", "4,3", "--block", "1"],
];
const search = () => [
  ...[
    "search",
    "--model",
    at("model"),
    "--data",
    at("train"),
    "--limit",
    "4",
    "--bits",
    "4",
    "--rule",
    "linf",
  ],
];

/** A report without what depends on the machine's load. */
const timeless = (text: string) => JSON.parse(text.replace(/"millisecondsPerImage": [\d.e-]+/g, '"ms": 0'));

describe("a command that was interrupted goes on", () => {
  test.each([
    ["sensitivity", sweep, /Sensitivity: 2 of 4/],
    ["eval", evaluation, /Evaluating: 3 of 8/],
    ["ablate, in a search", comparison, /Search \(any rule\)[^:]*: evaluations: /],
    ["ablate, in its second table", comparison, /Evaluating: 4 of 4.*Search.*Evaluating: 2 of 4/s],
    ["search", search, /Search, [^:]*: evaluations: /],
  ])("%s", async (name, argv, stopAt) => {
    const state = at(`${name}.json`);
    const whole = await lab(...argv(), "--json");
    expect(whole.code).toBe(0);

    const stopped = await runCaptured([...argv(), "--json", "--state", state], at("assets"), stopAt);
    expect(stopped).toMatchObject({ code: 130, out: "", err: expect.stringMatching(/cancelled/) });
    expect(existsSync(state)).toBe(true);
    const gone = await lab(...argv(), "--json", "--state", state);
    expect(gone.code).toBe(0);
    // What was done is not done again.
    expect(gone.err.length).toBeLessThan(whole.err.length);
    expect(timeless(gone.out)).toEqual(timeless(whole.out));

    // Once it is whole it is read only.
    const again = await lab(...argv(), "--json", "--state", state);
    expect(timeless(again.out)).toEqual(timeless(whole.out));
    expect(readdirSync(at(".")).filter((file) => file.includes(".part-"))).toEqual([]);
  });
});

describe("a state is refused", () => {
  const refused = async (argv: string[], message: RegExp) => {
    const { code, err } = await lab(...argv);
    expect(err).toMatch(message);
    expect(code).toBe(2);
  };

  test("for other images of a folder of the same name and number", async () => {
    const state = at("images.json");
    const some = (seed: string) => [...search(), "--limit", "3", "--seed", seed, "--state", state];
    await json(...some("0"));
    await refused(some("1"), /state of this search, got one with another images/);
  });

  test("for a probe that was fitted on other labels", async () => {
    const swapped = at("swapped/train");
    for (const [from, to] of [
      ["red", "green"],
      ["green", "red"],
    ] as const) {
      mkdirSync(join(swapped, to), { recursive: true });
      for (const file of readdirSync(at(`val/${from}`))) {
        writeFileSync(join(swapped, to, file), readFileSync(at(`val/${from}/${file}`)));
      }
    }
    const state = at("labels.json");
    const by = (train: string) => [
      ...[...search(), "--objective", "accuracy", "--probe", "ncm", "--train", train, "--state", state],
    ];
    expect((await lab(...by(at("val")))).code).toBe(0);
    await refused(by(swapped), /one with another head/);
  });

  test("of another command, another version, or damaged; and it stays as it was", async () => {
    const state = at("other.json");
    await json(...sweep(), "--state", state);
    await refused([...search(), "--state", state], /the state of this search, got one of sensitivity/);
    const text = readFileSync(state, "utf8");
    for (const [damaged, message] of [
      [text.slice(0, -9), /the state of this sensitivity \(JSON\)/],
      [text.replace('"version":1', '"version":9'), /version 1\), got version/],
      [text.replace('"n":4', '"n":5'), /sensitivity: 12 units|at most 4 images/],
      [text.replace('"fpCorrect":', '"right":'), /got sensitivity: /],
    ] as const) {
      writeFileSync(state, damaged);
      await refused([...sweep(), "--state", state], message);
      expect(readFileSync(state, "utf8")).toBe(damaged);
    }
  });

  test("where it cannot be written, before anything is computed", async () => {
    for (const argv of [sweep(), evaluation(), comparison(), search()]) {
      const { code, out, err } = await lab(...argv, "--state", at("no/such/folder.json"));
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toMatch(/^--state: expected a file that can be written, got .*ENOENT/);
      expect((await lab(...argv, "--state", at("model"))).err).toMatch(/^--state: .* is a folder/);
    }
  });
});
