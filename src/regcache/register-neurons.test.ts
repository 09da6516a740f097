import { expect, test } from "vitest";
import { collect } from "../engine/collect.ts";
import { NO_INTERVENTION } from "../intervention/intervention.ts";
import { findRegisterNeurons } from "./register-neurons.ts";
import { countingEngine, testImages } from "./test-engine.ts";

test("register neurons are the largest mean magnitudes on the outlier tokens, up to the create block", async () => {
  const { engine } = await countingEngine(4);
  const images = testImages(3);
  const outliers = [
    { image: 0, token: 5 },
    { image: 2, token: 9 },
    { image: 2, token: 20 },
  ];
  const { createBlock, neurons } = await findRegisterNeurons(engine, images, outliers, {
    lastBlock: 2,
    top: 9,
  });

  const activations: Float32Array[][] = [];
  const growth = [0, 0, 0];
  for (let i = 0; i < 3; i++) {
    const fc2: Float32Array[] = [];
    const onInputs = (block: number, inputs: { fc2: Float32Array }) => {
      fc2[block] = inputs.fc2.slice();
    };
    const { traces } = await collect(engine.run(await images.load(i), NO_INTERVENTION, { onInputs }));
    activations.push(fc2);
    for (const { image, token } of outliers)
      if (image === i)
        for (const block of growth.keys()) growth[block]! += traces[block]!.residual.linf[token]!;
  }
  const steeper = growth[2]! / growth[1]! > growth[1]! / growth[0]! ? 2 : 1;
  expect(createBlock).toBe(steeper);
  const { mlpWidth } = engine.spec;
  const mean = (block: number, neuron: number) =>
    outliers.reduce(
      (sum, { image, token }) =>
        sum + Math.abs(activations[image]![block]![token * mlpWidth + neuron]!) / outliers.length,
      0,
    );
  for (const { block, neuron, score } of neurons) expect(score).toBeCloseTo(mean(block, neuron), 5);
  const all: number[] = [];
  for (let block = 0; block <= createBlock; block++)
    for (let neuron = 0; neuron < mlpWidth; neuron++) all.push(mean(block, neuron));
  all.sort((a, b) => b - a);
  expect(neurons.map(({ score }) => score)).toEqual(all.slice(0, 9).map((score) => expect.closeTo(score, 5)));
});
