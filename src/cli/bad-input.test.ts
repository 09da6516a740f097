import { mkdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { labOfTests } from "./test-lab.ts";

const { at, run: lab } = labOfTests();

describe("bad input says what is wrong on stderr, prints nothing and exits 2", () => {
  const model = () => ["--model", at("model")];
  const image = () => ["--image", at("val/red/1.png")];
  test.each<[string, () => string[], RegExp]>([
    ["no model folder", () => ["trace", "--model", at("nothing"), ...image()], /nothing/],
    ["no image", () => ["trace", ...model(), "--image", at("nothing.png")], /an image file/],
    ["a flag left out", () => ["trace", ...model()], /--image/],
    ["an unknown flag", () => ["trace", ...model(), ...image(), "--speed"], /--speed/],
    ["an unknown command", () => ["tarce"], /tarce/],
    ["a malformed prefix", () => ["trace", ...model(), ...image(), "--prefix", "4"], /--prefix: expected/],
    [
      "a prefix without registers",
      () => ["trace", ...model(), ...image(), "--prefix", "from=0,count=1"],
      /registers/,
    ],
    [
      "a block that is not there",
      () => ["trace", ...model(), ...image(), "--delete", "block=3,count=1"],
      /block/i,
    ],
    [
      "ranges per batch of one image",
      () => ["trace", ...model(), ...image(), "--quantize", "w8a8,range=dynamic-batch,batch=8"],
      /trace: expected ranges of one image.*Use range=dynamic/,
    ],
    [
      "a search with ranges per batch",
      () => ["search", ...model(), "--data", at("val"), "--quantize", "w8a8,range=dynamic-batch,batch=8"],
      /Search: expected ranges of one image/,
    ],
    [
      "ranges per batch beside deletion by criterion",
      () => [
        ...["eval", ...model(), "--data", at("val"), "--probe", "own", "--configurations", "delete"],
        ...["--delete", "block=1,criterion=sun", "--quantize", "w8a8,range=dynamic-batch,batch=4"],
      ],
      /Ranges per batch: expected images that keep the same number.*criterion \(sun\)/,
    ],
    ["--refill without a file", () => ["trace", ...model(), ...image(), "--refill"], /--features FILE/],
    [
      "more deleted than there are",
      () => ["trace", ...model(), ...image(), "--delete", "block=1,count=17"],
      /17/,
    ],
    [
      "two kinds of registers",
      () => ["trace", ...model(), ...image(), "--registers", "x", "--curate", "block=1,data=x"],
      /both/,
    ],
    [
      "registers that are none",
      () => ["trace", ...model(), ...image(), "--registers", at("model/model.safetensors")],
      /registers/,
    ],
    [
      "a curation block that is not there",
      () => ["curate", ...model(), "--data", at("train"), "--block", "9", "--out", at("r")],
      /block from 0 to 2/,
    ],
    ["a probe without images", () => ["eval", ...model(), "--data", at("val"), "--probe", "ncm"], /--train/],
    [
      "other classes to train on",
      () => ["eval", ...model(), "--data", at("val"), "--probe", "ncm", "--train", at("other")],
      /class folders/,
    ],
    [
      "zero-shot without a text tower",
      () => ["eval", ...model(), "--data", at("val"), "--probe", "zero-shot"],
      /a text tower.*a checkpoint without one/,
    ],
    ["eval without data", () => ["eval", ...model(), "--probe", "own"], /no --data/],
    [
      "RegCache without its parts",
      () => ["eval", ...model(), "--data", at("val"), "--probe", "own", "--configurations", "regcache"],
      /regcache/,
    ],
    ["--bundled with a model", () => ["eval", "--bundled", ...model()], /--model/],
    ["sensitivity --bundled with a model", () => ["sensitivity", "--bundled", ...model()], /--model/],
    ["search --bundled with data", () => ["search", "--bundled", "--data", at("val")], /--data/],
    ["ablate --bundled with data", () => ["ablate", "--bundled", "--train", at("train")], /--train/],
    [
      "a quantizer in two ways",
      () => ["search", ...model(), "--data", at("val"), "--bits", "4", "--quantize", "w8a8"],
      /--bits and --quantize/,
    ],
    [
      "a sweep of blocks that are named",
      () => ["sensitivity", ...model(), "--data", at("val"), "--quantize", "w8a8,blocks=1"],
      /no blocks: the sweep goes through all/,
    ],
    [
      "a sweep of linears that are named",
      () => [
        "sensitivity",
        ...model(),
        "--data",
        at("val"),
        "--by",
        "linear",
        "--quantize",
        "w8a8,linears=fc2",
      ],
      /no linears/,
    ],
    [
      "registers that could not be written",
      () => ["curate", ...model(), "--data", at("train"), "--block", "1", "--out", at("no/folder/r")],
      /^--out: expected a file that can be written.*ENOENT/,
    ],
    [
      "settings that are chosen by labels which a probe has seen",
      () => [
        ...["search", ...model(), "--data", at("train"), "--objective", "accuracy"],
        ...["--probe", "ncm", "--train", at("train")],
      ],
      /--objective accuracy: expected a probe that was fitted on other images/,
    ],
    ["--bundled without its files", () => ["eval", "--bundled"], /recommended/],
  ])("%s", async (_, argv, message) => {
    const { code, out, err } = await lab(...argv(), "--json");
    expect(err).toMatch(message);
    expect(code).toBe(2);
    expect(out).toBe("");
  });

  test("an empty class folder", async () => {
    mkdirSync(at("gap/red"), { recursive: true });
    const { code, err } = await lab("eval", ...model(), "--data", at("gap"), "--probe", "own");
    expect(code).toBe(2);
    expect(err).toMatch(/empty class folder/);
  });
});
