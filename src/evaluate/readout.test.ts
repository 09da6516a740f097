import { expect, test } from "vitest";
import { readOut } from "./readout.ts";

const logits = Float32Array.of(0, Math.log(3), 0, 0, -1, -2);
const feature = Float32Array.of(1, 0);

test("an own head's classes by name, or by number where they have none", () => {
  const classNames = ["a", "b", "c", "d", "e", "f"];
  const readout = readOut({ feature, logits }, { classNames }, null)!;
  expect(readout.head).toBe("own head");
  expect(readout.top.map(({ label }) => label)).toEqual(["b", "a", "c", "d", "e"]);
  expect(readout.top[0]!.probability).toBeCloseTo(3 / (6 + Math.exp(-1) + Math.exp(-2)), 6);
  expect(readOut({ feature, logits }, { classNames: null }, null)!.top[0]!.label).toBe("class 1");
});

test("class embeddings go before the own head; without either there is nothing to read", () => {
  const embeddings = {
    classes: ["cat", "dog"],
    templates: ["a {}", "the {}"],
    embeddings: Float32Array.of(0, 1, 1, 0),
    width: 2,
    scoring: "sigmoid",
    scale: 1,
    bias: 0,
    truncated: 0,
  } as const;
  const readout = readOut({ feature, logits }, { classNames: null }, embeddings)!;
  expect(readout).toMatchObject({ head: "zero-shot over 2 classes, 2 templates", exclusive: false });
  expect(readout.top[0]).toEqual({ label: "dog", probability: 1 / (1 + Math.exp(-1)) });
  expect(readOut({ feature, logits: null }, { classNames: null }, null)).toBeNull();
});
