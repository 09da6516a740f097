import { expect, test } from "vitest";
import { InputError } from "../errors/input-error.ts";
import type { ModelRequest } from "../worker/api.ts";
import { booted, modelInfo, settle } from "./fake-lab.ts";

const HUB = { kind: "hub", hub: "https://h.example", id: "a/b", revision: "main" } as const;

/** Waits until a model is open; the runs that opening starts never end here. */
async function opened(work: Promise<unknown>) {
  void work;
  await settle();
}

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
  await opened(lab.openModel(HUB));
  await opened(lab.setOverrides({ normalisation: "half" }));
  await opened(lab.setOverrides({ inputSize: 518 }));
  const overrides = { normalisation: "half", inputSize: 518 };
  expect(requests.at(-1)).toEqual({ ...HUB, overrides });
  await opened(lab.openModel({ ...HUB, id: "c/d" }));
  expect(requests.at(-1)).toEqual({ ...HUB, id: "c/d" });
  await opened(lab.openModel(HUB));
  expect(requests.at(-1)).toEqual({ ...HUB, overrides });
});

test("what could not be opened is not kept, nor is a damaged text read", async () => {
  const { lab, requests, stored } = await withRequests();
  await opened(lab.openModel(HUB));
  await opened(lab.setOverrides({ inputSize: 9000 }));
  await opened(lab.openModel(HUB));
  expect(requests.at(-1)).toEqual(HUB);
  stored.overrides = "{";
  await opened(lab.openModel(HUB));
  expect(requests.at(-1)).toEqual(HUB);
});
