import { describe, expect, test, vi } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { testTrace } from "../figures/test-trace.ts";
import type { CurationRequest, LabApi, ModelInfo } from "../worker/api.ts";
import { booted, modelInfo, REGISTERS, settle } from "./fake-lab.ts";

describe("opening", () => {
  test("a bad image or model changes nothing but the messages", async () => {
    let isBad = false;
    const bad = () => new InputError("x", "something else", "this", "Do that.");
    const { lab, state } = await booted({
      openModel: async () => {
        if (isBad) throw bad();
        return modelInfo("bundled", [REGISTERS]);
      },
      openImage: async (_, name) => {
        if (isBad) throw bad();
        return { id: "i", name, width: 1, height: 1, view: { size: 1, rgba: new Uint8ClampedArray(4) } };
      },
    });
    isBad = true;
    const { model, image, controls, lanes } = state();
    await lab.openFiles([new File(["x"], "text.png")]);
    await lab.openFiles([new File(["x"], "model.safetensors")]);
    const after = state();
    expect([after.model, after.image, after.controls, after.lanes]).toEqual([model, image, controls, lanes]);
    expect(after.messages.map(({ text }) => text)).toEqual([
      "x: expected something else, got this. Do that.",
    ]);
    expect(after.opening).toBeNull();
  });

  test("another model reopens the image, clears the lanes and has its own defaults", async () => {
    let opened = 0;
    const { lab, runs, state } = await booted({
      openModel: async () => (opened++ === 0 ? modelInfo("bundled", [REGISTERS]) : modelInfo("dropped")),
    });
    void lab.openFiles([new File(["x"], "model.safetensors")]);
    await vi.waitFor(() => expect(runs).toHaveLength(4));
    expect(state().model?.spec.label).toBe("dropped");
    expect(state().controls?.prefix.on).toBe(false);
    expect(state().image?.info.id).toBe("image-2");
    expect(state().view.domains).toEqual({});
    runs[0]!.trace(0); // of the old model
    await settle();
    expect(state().lanes.baseline.rows).toEqual([null, null, null]);
  });

  test("blocks of a model that is being opened are shown as they arrive, and the model before stays", async () => {
    let refuse = (_: Error) => {};
    const opened = new Promise<ModelInfo>((_, reject) => {
      refuse = reject;
    });
    let arrive: Parameters<LabApi["openModel"]>[3];
    const shown: unknown[] = [];
    const { lab, state } = await booted({
      openModel: async (request, _, image, onArrival) => {
        if (request.kind === "bundled") return modelInfo("bundled", [REGISTERS]);
        shown.push(image?.name);
        arrive = onArrival;
        return opened;
      },
    });
    void lab.openFiles([new File(["x"], "model.safetensors")]);
    await vi.waitFor(() => expect(shown).toEqual(["a.png"]));
    expect(state().opening?.arriving).toBeNull();
    const { spec } = modelInfo("dropped");
    arrive!({ spec, trace: testTrace(1, [1, 2, 3, 4, 5]) });
    arrive!({ spec, trace: testTrace(0, [1, 2, 3, 4, 5]) });
    const rows = state().opening?.arriving?.rows;
    expect(rows?.map((row) => row?.trace.block)).toEqual([0, 1, undefined]);
    expect(state().model?.spec.label).toBe("bundled");
    refuse(new InputError("x", "something else", "this", "Do that."));
    await settle();
    expect(state().opening).toBeNull();
    arrive!({ spec, trace: testTrace(2, [1, 2, 3, 4, 5]) }); // too late
    expect(state().opening).toBeNull();
  });

  test("recommended.json sets the first intervention; a broken one is told", async () => {
    const path = "models/scenes-vit/recommended.json";
    const good = await booted({}, { [path]: '{"prefix":{"from":1,"count":2.5}}' });
    expect(good.runs[1]!.intervention).toMatchObject({ prefix: { from: 1, count: 2.5 }, delete: null });
    const bad = await booted({}, { [path]: '{"prefix":{"from":-1}}' });
    expect(bad.state().messages[0]?.text).toMatch(/^recommended.json: expected/);
  });

  test("a link sets the intervention; a broken one is told and the defaults hold", async () => {
    const good = await booted({}, {}, "#prefix=reg1,1,1,2");
    expect(good.runs[1]!.intervention).toMatchObject({ prefix: { from: 1, to: 1, count: 2 }, delete: null });
    const bad = await booted({}, {}, "#prefix=reg1,1");
    expect(bad.state().messages[0]?.text).toMatch(/^The link: expected/);
    expect(bad.runs[1]!.intervention).toMatchObject({ prefix: { from: 0, to: 2 } });
  });

  test("the address may ask for a backend; an unknown one is told and left to choice", async () => {
    const asked: string[] = [];
    const start: LabApi["start"] = async (backend) => {
      asked.push(backend);
      return modelInfo("").status;
    };
    await booted({ start }, {}, "", "webgpu");
    const bad = await booted({ start }, {}, "", "cuda");
    expect(asked).toEqual(["webgpu", "auto"]);
    expect(bad.state().messages[0]?.text).toMatch(
      /^\?backend in the address: expected auto, wasm, webgpu, got "cuda"/,
    );
  });

  test("curated registers are chosen and switch the prefix on", async () => {
    const { lab, state } = await booted({ openModel: async () => modelInfo("plain") });
    expect(state().controls?.registers).toBeNull();
    await lab.curate(null, { block: 0, top: 100 }, 30);
    expect(state().controls).toMatchObject({ registers: "reg1", prefix: { on: true } });
    expect(state().curating).toBeNull();
  });

  test("a curation takes the data set's probe images or the user's own, and tells how far it is", async () => {
    const asked: CurationRequest[] = [];
    let late = () => {};
    const curate: LabApi["curate"] = async (request, onProgress) => {
      asked.push(request);
      onProgress({ stage: "pass 1", done: asked.length, total: 9 });
      late = () => onProgress({ stage: "pass 2", done: 9, total: 9 });
      return [REGISTERS];
    };
    const { lab, state } = await booted({ curate });
    const seen: unknown[] = [];
    lab.store.subscribe(({ curating }) => curating && seen.push(curating.done));
    const settings = { from: 0, block: 1, top: 100 };
    const zip = { kind: "zip", file: new File(["x"], "a.zip") } as const;
    await lab.curate(null, settings, 30);
    await lab.curate([zip], settings, 20);
    expect(asked).toEqual([
      { images: { kind: "probe", dataset: "set-1" }, limit: 30, settings },
      { images: { kind: "own", sources: [zip] }, limit: 20, settings },
    ]);
    expect(seen).toContain(2);
    late(); // on another port than the result, which may overtake it
    expect(state().curating).toBeNull();
  });

  test("a curation that is cancelled leaves nothing behind", async () => {
    const told: Parameters<LabApi["curate"]>[1][] = [];
    const answers: (() => void)[] = [];
    const { lab, state } = await booted({
      curate: (_, onProgress) => {
        told.push(onProgress);
        return new Promise((resolve) => answers.push(() => resolve([{ ...REGISTERS, id: "late" }])));
      },
    });
    void lab.curate(null, { block: 0, top: 100 }, 30);
    await vi.waitFor(() => expect(told).toHaveLength(1));
    await lab.cancelCuration();
    told[0]!({ stage: "late", done: 1, total: 2 });
    expect(state().curating).toBeNull();
    answers[0]!();
    await settle();
    expect(state().model?.registers).toEqual([REGISTERS]);
  });

  test("curation and experiments end with the worker they run in, even where the same model opens again", async () => {
    const { lab, runs, state } = await booted({ curate: () => new Promise(() => {}) });
    void lab.curate(null, { block: 0, top: 100 }, 30);
    void lab.runExperiment("sensitivity");
    expect([state().curating, state().experiments.running]).toEqual([expect.anything(), "sensitivity"]);
    void lab.openBundledModel();
    await vi.waitFor(() => expect(runs).toHaveLength(4));
    expect([state().curating, state().experiments.running]).toEqual([null, null]);
  });

  test("curated registers outlive the worker that made them", async () => {
    const opened: Blob[] = [];
    const { lab, runs, state } = await booted({
      openModel: async () => modelInfo("plain"),
      openRegisters: async (file) => {
        opened.push(file);
        return REGISTERS;
      },
      saveRegisters: async () => new Uint8Array([1, 2, 3]),
    });
    await lab.curate(null, { block: 0, top: 100 }, 30);
    await vi.waitFor(() => expect(runs).toHaveLength(3));
    void lab.recover("out of memory");
    await vi.waitFor(() => expect(runs).toHaveLength(5));
    expect(await opened[0]!.bytes()).toEqual(new Uint8Array([1, 2, 3]));
    expect(state().model?.registers).toEqual([REGISTERS]);
    expect(runs[4]!.intervention.prefix).toMatchObject({ registers: "reg1" });
    expect(state().messages.map(({ kind }) => kind)).not.toContain("error");
  });

  test("a restarted worker is told and gets its model, settings and image back", async () => {
    const { lab, runs, state } = await booted();
    lab.setControls((controls) => ({ ...controls, bits: "w6a6" }));
    await vi.waitFor(() => expect(runs).toHaveLength(3));
    void lab.recover("out of memory");
    await vi.waitFor(() => expect(runs).toHaveLength(5));
    expect(state().messages[0]?.text).toContain("out of memory");
    expect(runs[4]!.intervention.quantize).toMatchObject({ weightBits: 6 });
  });
});
