import { expect, test, vi } from "vitest";
import { CancelledError, InputError } from "../errors/input-error.ts";
import type { LabApi, ModelInfo, ModelRequest } from "../worker/api.ts";
import { booted, modelInfo, REGISTERS } from "./fake-lab.ts";

const HUB: ModelRequest = { kind: "hub", hub: "https://hub.invalid", id: "a/b", revision: "main" };

/** A lab whose models of the Hub are in use before they are checked; the test says how their checks end. */
async function staged() {
  const requests: ModelRequest[] = [];
  const checks: { pass(): void; fail(error: Error): void }[] = [];
  let refused = false;
  const openModel: LabApi["openModel"] = async (request): Promise<ModelInfo> => {
    requests.push(request);
    if (refused) throw new InputError("x", "a model", "none", "Choose another.");
    return request.kind === "hub"
      ? { ...modelInfo(request.id), integrity: "checking" }
      : modelInfo("bundled", [REGISTERS]);
  };
  const modelChecked = () =>
    new Promise<void>((pass, fail) => {
      checks.push({ pass, fail });
    });
  const { lab, state } = await booted({ openModel, modelChecked });
  return {
    lab,
    state,
    requests,
    checks,
    refuse(is = true) {
      refused = is;
    },
    shown: () => [state().model?.spec.label, state().model?.integrity],
    texts: () => state().messages.map(({ text }) => text),
  };
}

const damaged = () => new InputError("model.safetensors", "sha256 a", "b", "Download it again.");

test("a model is in use while it is checked, and says so", async () => {
  const { lab, checks, shown, texts } = await staged();
  expect(shown()).toEqual(["bundled", "checked"]);
  void lab.openModel(HUB);
  await vi.waitFor(() => expect(checks).toHaveLength(1));
  expect(shown()).toEqual(["a/b", "checking"]);
  checks[0]!.pass();
  await vi.waitFor(() => expect(shown()).toEqual(["a/b", "checked"]));
  expect(texts()).toEqual([]);
});

test("a damaged model gives way to the one before, with its settings", async () => {
  const { lab, state, checks, requests, shown, texts } = await staged();
  lab.setControls((controls) => ({ ...controls, prefix: { ...controls.prefix, on: true, count: 3 } }));
  void lab.openModel(HUB);
  await vi.waitFor(() => expect(checks).toHaveLength(1));
  checks[0]!.fail(damaged());
  await vi.waitFor(() => expect(shown()).toEqual(["bundled", "checked"]));
  expect(requests.map(({ kind }) => kind)).toEqual(["bundled", "hub", "bundled"]);
  expect(state().controls?.prefix).toMatchObject({ on: true, count: 3 });
  expect(texts()).toEqual([
    expect.stringContaining("expected sha256 a, got b"),
    "The model that was open before is opened again.",
  ]);
});

test("what was opened under other assumptions meanwhile is no model to return to", async () => {
  const { lab, checks, requests, shown } = await staged();
  void lab.openModel(HUB);
  await vi.waitFor(() => expect(checks).toHaveLength(1));
  void lab.setOverrides({ inputSize: 64 });
  await vi.waitFor(() => expect(checks).toHaveLength(2));
  checks[0]!.fail(new CancelledError("Checking the model"));
  checks[1]!.fail(damaged());
  await vi.waitFor(() => expect(shown()).toEqual(["bundled", "checked"]));
  expect(requests.map(({ kind }) => kind)).toEqual(["bundled", "hub", "hub", "bundled"]);
});

test("where nothing else can be opened the damaged model stays, marked", async () => {
  const { lab, checks, requests, shown, refuse } = await staged();
  void lab.openModel(HUB);
  await vi.waitFor(() => expect(checks).toHaveLength(1));
  refuse();
  checks[0]!.fail(damaged());
  await vi.waitFor(() => expect(requests).toHaveLength(3));
  await vi.waitFor(() => expect(shown()).toEqual(["a/b", "damaged"]));
  // Another opening that fails leads back to what is known to be right.
  void lab.openModel({ kind: "files", files: [] });
  refuse(false);
  await vi.waitFor(() => expect(shown()).toEqual(["bundled", "checked"]));
  expect(requests.map(({ kind }) => kind)).toEqual(["bundled", "hub", "bundled", "files", "bundled"]);
});
