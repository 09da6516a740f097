import { expect, test } from "vitest";
import { InputError } from "../errors/input-error.ts";
import type { ModelRequest } from "../worker/api.ts";
import { booted, modelInfo } from "./fake-lab.ts";

const HUB = { kind: "hub", hub: "https://h.example", id: "a/b", revision: "main" } as const;

async function withRequests() {
  const requests: ModelRequest[] = [];
  const page = await booted({
    openModel: async (request) => {
      requests.push(request);
      const isRefused = request.kind === "hub" && (request.overrides?.inputSize ?? 0) > 1000;
      if (isRefused) throw new InputError("Input size", "a smaller one", "a large one", "Choose another.");
      return modelInfo("m");
    },
  });
  return { ...page, requests };
}

test("overrides add up, and a model of the Hub is opened again as it was", async () => {
  const { lab, requests } = await withRequests();
  await lab.openModel(HUB);
  await lab.setOverrides({ normalisation: "half" });
  await lab.setOverrides({ inputSize: 518 });
  const overrides = { normalisation: "half", inputSize: 518 };
  expect(requests.at(-1)).toEqual({ ...HUB, overrides });
  await lab.openModel({ ...HUB, id: "c/d" });
  expect(requests.at(-1)).toEqual({ ...HUB, id: "c/d" });
  await lab.openModel(HUB);
  expect(requests.at(-1)).toEqual({ ...HUB, overrides });
});

test("what could not be opened is not kept, nor is a damaged text read", async () => {
  const { lab, requests, stored } = await withRequests();
  await lab.openModel(HUB);
  await lab.setOverrides({ inputSize: 9000 });
  await lab.openModel(HUB);
  expect(requests.at(-1)).toEqual(HUB);
  stored.overrides = "{";
  await lab.openModel(HUB);
  expect(requests.at(-1)).toEqual(HUB);
});
