import { expect, test, vi } from "vitest";
import { InputError } from "../errors/input-error.ts";
import type { DatasetRequest } from "../worker/api.ts";
import { booted, settle } from "./fake-lab.ts";

const zip = (name: string) => ({ kind: "zip", file: new File([], name) }) as const;

/** A lab whose worker opens every data set but `bad.zip`. */
async function withSets() {
  const requests: DatasetRequest[] = [];
  const evaluated: string[] = [];
  const set = await booted({
    openDataset: async (request) => {
      const id = `set-${requests.push(request)}`;
      await new Promise((resolve) => setTimeout(resolve, 0));
      const { images } = request;
      const name = images.kind === "zip" ? images.file.name : "scenes";
      if (name === "bad.zip") throw new InputError(name, "a zip archive", "noise", "Pack it again.");
      return { id, name, classes: ["a", "b"], count: 4, fingerprint: null };
    },
    evaluate: (request) => {
      evaluated.push(request.dataset);
      return new Promise(() => {});
    },
  });
  return { ...set, requests, evaluated };
}

test("the bundled set is opened when it is first needed, once", async () => {
  const { lab, requests, evaluated } = await withSets();
  expect(requests).toEqual([]);
  for (const times of [1, 2]) {
    void lab.startAccuracy();
    await vi.waitFor(() => expect(evaluated).toHaveLength(times));
  }
  expect(requests).toEqual([
    { images: { kind: "sheet", url: "https://example.org/sub/path/datasets/scenes/" }, probe: null },
  ]);
  expect(evaluated).toEqual(["set-1", "set-1"]);
});

test("who wants the set while it is being opened gets the same one", async () => {
  const { lab, requests, evaluated, state } = await withSets();
  void lab.runExperiment("search");
  void lab.startAccuracy();
  await vi.waitFor(() => expect(evaluated).toHaveLength(1));
  expect(requests).toHaveLength(1);
  expect(evaluated).toEqual([state().dataset.info!.id]);
});

test("an own set replaces it, forgets its numbers, and goes back", async () => {
  const { lab, state, requests } = await withSets();
  lab.store.setState((old) => ({ accuracy: { ...old.accuracy, measured: "old" } }));
  await lab.openDataset(zip("own.zip"));
  expect(state().dataset).toMatchObject({ info: { name: "own.zip" }, opening: false });
  expect(state().accuracy.measured).toBeNull();
  await lab.setProbe(zip("train.zip"));
  expect(requests.at(-1)).toMatchObject({ images: { file: { name: "own.zip" } }, probe: { kind: "zip" } });
  await lab.openBundledDataset();
  expect(state().dataset).toMatchObject({ request: null, info: { name: "scenes" } });
});

test("a set that cannot be opened leaves the one in use", async () => {
  const { lab, state } = await withSets();
  await lab.openDataset(zip("own.zip"));
  await lab.openFiles([new File([], "bad.zip")]);
  expect(state().dataset).toMatchObject({ info: { name: "own.zip" }, opening: false });
  expect(state().messages.at(-1)?.text).toMatch(/bad.zip: expected a zip archive/);
});

test("a new model's worker opens the set again", async () => {
  const { lab, state, requests, evaluated } = await withSets();
  await lab.openDataset(zip("own.zip"));
  void lab.openModel({ kind: "files", files: [] });
  await vi.waitFor(() => expect(state().dataset.info).toBeNull());
  void lab.startAccuracy();
  await settle();
  expect(requests).toHaveLength(2);
  expect(requests[1]).toBe(requests[0]);
  expect(evaluated).toEqual(["set-2"]);
});

test("a folder with weights is a model, any other a data set", async () => {
  const { lab, state, requests } = await withSets();
  const file = (path: string) => ({ path, file: new File(["x"], path.split("/").at(-1)!) });
  await lab.openFolder({ name: "set", files: [file("cat/1.png")], folders: ["cat"] });
  expect(requests.at(-1)?.images).toMatchObject({ kind: "files", name: "set", folders: ["cat"] });
  void lab.openFolder({ name: "vit", files: [file("config.json"), file("model.safetensors")], folders: [] });
  await vi.waitFor(() => expect(state().modelRequest).toMatchObject({ kind: "files" }));
  expect(requests).toHaveLength(1);
});
