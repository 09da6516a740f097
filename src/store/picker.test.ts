import { describe, expect, it, vi } from "vitest";
import type { SavedModel } from "../cache/model-storage.ts";
import { InputError } from "../errors/input-error.ts";
import type { HubRef } from "../hub/hub-ref.ts";
import type { ModelRequest } from "../worker/api.ts";
import { booted, modelInfo, offer, settle } from "./fake-lab.ts";

const SAVED = {
  key: "k",
  hub: "https://huggingface.co",
  id: "a/b",
  revision: "main",
  commit: "c".repeat(40),
  licence: null,
  gated: false,
  complete: false,
  text: null,
  bytes: 10,
};

describe("the model picker", () => {
  it("looks a typed id up at the chosen hub and opens it at the commit it found", async () => {
    const opened: ModelRequest[] = [];
    const { lab, state } = await booted({
      openModel: async (request) => {
        opened.push(request);
        return modelInfo("model");
      },
    });
    await lab.openPicker();
    lab.setHub("https://mirror.example/");
    await lab.lookUp("a/b@v1");
    const found = state().picker.offer!;
    expect(found).toMatchObject({ hub: "https://mirror.example", id: "a/b", revision: "v1" });
    void lab.openOffer(found);
    await settle();
    expect(state().picker.isOpen).toBe(false);
    expect(opened.at(-1)).toEqual({
      kind: "hub",
      hub: "https://mirror.example",
      id: "a/b",
      revision: "v1",
      commit: found.commit,
      withText: false,
    });
  });

  it("tells a failure in the dialog and keeps the model", async () => {
    const { lab, state } = await booted({
      lookUpModel: () =>
        Promise.reject(new InputError("a/b", "a public repository", "HTTP 404", "Check it.")),
    });
    const { model } = state();
    await lab.lookUp("a/b");
    expect(state().picker).toMatchObject({ looking: null, offer: null });
    expect(state().picker.error).toContain("a public repository");
    await lab.lookUp("not an id");
    expect(state().picker.error).toContain("owner/name");
    expect(state().model).toBe(model);
    expect(state().messages).toEqual([]);
  });

  it("shows the last look-up, whichever answers first", async () => {
    const answers: (() => void)[] = [];
    const { lab, state } = await booted({
      lookUpModel: (ref) => new Promise((resolve) => answers.push(() => resolve(offer(ref)))),
    });
    const first = lab.lookUp("a/first");
    const second = lab.lookUp("a/second");
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    answers[1]!();
    await second;
    answers[0]!();
    await first;
    expect(state().picker.offer?.id).toBe("a/second");
  });

  it("downloads a text tower only when it is asked for, now or before", async () => {
    const opened: ModelRequest[] = [];
    let isWanted = false;
    const refs: HubRef[] = [];
    const { lab, state } = await booted({
      lookUpModel: async (ref) => {
        refs.push(ref);
        return { ...offer(ref), text: { bytes: 500, kept: 0, check: "whole", isWanted } };
      },
      openModel: async (request) => {
        opened.push(request);
        return modelInfo("model");
      },
    });
    const open = async () => {
      void lab.openOffer(state().picker.offer!);
      await settle();
      return opened.at(-1);
    };
    await lab.lookUp("a/b");
    expect(state().picker.wantsText).toBe(false);
    expect(await open()).toMatchObject({ withText: false });
    expect(state().picker.offer).toBeNull();
    await lab.lookUp("a/b");
    lab.setWantsText(true);
    expect(await open()).toMatchObject({ withText: true });
    await lab.lookUp("a/b");
    expect(state().picker.wantsText).toBe(false);
    await lab.lookUpText(SAVED);
    expect(refs.at(-1)).toEqual({ hub: SAVED.hub, id: "a/b", revision: SAVED.commit });
    expect(state().picker.wantsText).toBe(true);
    isWanted = true;
    await lab.lookUp("a/b");
    expect(await open()).toMatchObject({ withText: true });

    const resume = async (model: SavedModel) => {
      void lab.openSaved(model);
      await settle();
      return opened.at(-1);
    };
    expect(await resume({ ...SAVED, text: "absent" })).toMatchObject({ withText: false });
    expect(await resume({ ...SAVED, text: "wanted" })).toMatchObject({ withText: true });
    expect(await resume({ ...SAVED, complete: true, text: "wanted" })).toMatchObject({ withText: false });
  });

  it("lists, resumes and deletes saved models", async () => {
    let saved = [SAVED];
    const opened: ModelRequest[] = [];
    const { lab, state } = await booted({
      savedModels: async () => saved,
      deleteSavedModel: async (key) => {
        saved = saved.filter((model) => model.key !== key);
      },
      openModel: async (request) => {
        opened.push(request);
        return modelInfo("model");
      },
    });
    await lab.openPicker();
    expect(state().picker.saved).toEqual([SAVED]);
    void lab.openSaved(SAVED);
    await settle();
    expect(opened.at(-1)).toMatchObject({ kind: "hub", id: "a/b", commit: SAVED.commit });
    await lab.deleteSaved("k");
    expect(state().picker.saved).toEqual([]);
  });
});
