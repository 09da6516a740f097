import { expect, test } from "vitest";
import { CancelledError, InputError } from "../errors/input-error.ts";
import type { Progress } from "../worker/api.ts";
import { isStale, presetOf } from "./class-lists.ts";
import { booted, complete, modelInfo, settle } from "./fake-lab.ts";

const withText = (label: string, sha = "cd") => ({
  ...modelInfo(label),
  text: { missing: 0, missingToClassify: 0 },
  sha256: sha.repeat(32),
});

test("classes are embedded as typed; a change makes them stale, not gone", async () => {
  const { lab, state } = await booted();
  lab.setClasses({ names: "cat\n dog \n", templates: "a {}" });
  await lab.embedClasses();
  const { embedded } = state().classes;
  expect(embedded).toMatchObject({ classes: ["cat", "dog"], templates: ["a {}"] });
  expect(isStale(state().classes)).toBe(false);
  lab.setClasses({ names: "cat" });
  expect(isStale(state().classes)).toBe(true);
  lab.setClasses({ names: "" });
  expect(isStale(state().classes)).toBe(true);
  expect(state().classes.embedded).toBe(embedded);
});

test("bad lists and failures are said, and leave the embeddings as they were", async () => {
  const { lab, state } = await booted();
  await lab.embedClasses();
  const { embedded } = state().classes;
  expect(embedded!.classes).toContain("tench");
  lab.setClasses({ names: "cat\ncat" });
  await lab.embedClasses();
  expect(state().messages.at(-1)!.text).toMatch(/every class once, got "cat" twice/);
  await lab.openClassFile(new File(["a photo"], "templates.txt"), "templates");
  expect(state().messages.at(-1)!.text).toMatch(/templates.txt: expected templates with {}/);
  expect(presetOf(state().classes.templates)).toBe("simple");
  expect(state().classes).toMatchObject({ embedded, embedding: null, names: "cat\ncat" });
});

test("a tokenizer that is missing is said; cancelling is not a failure", async () => {
  const errors = [new InputError("Tokenizer", "a tokenizer.json", "none", "Add it."), new CancelledError()];
  const { lab, state } = await booted({ embedClasses: async () => Promise.reject(errors.shift()) });
  await lab.embedClasses();
  expect(state().messages.at(-1)!.text).toMatch(/Tokenizer: expected a tokenizer.json/);
  const count = state().messages.length;
  await lab.embedClasses();
  expect(state().messages).toHaveLength(count);
  expect(state().classes).toMatchObject({ embedded: null, embedding: null });
});

test("a text tower is downloaded for later; what is here is asked for afterwards, also when it was cancelled", async () => {
  const tower = { missing: 300, missingToClassify: 200 };
  let fetching = { finish: () => {}, fail: (_: Error) => {}, tell: (_: Progress) => {} };
  const cancelled: string[] = [];
  const { lab, state } = await booted({
    openModel: async () => ({ ...modelInfo("a"), text: tower }),
    textTower: async () => tower,
    downloadText: (tell) =>
      new Promise((resolve, reject) => {
        fetching = { finish: resolve, fail: reject, tell };
      }),
    cancel: async (what) => {
      cancelled.push(what);
      fetching.fail(new CancelledError());
    },
  });
  const first = lab.downloadText();
  fetching.tell({ stage: "Downloading the text tower (bytes)", done: 100, total: 300 });
  expect(state().classes.downloading).toMatchObject({ done: 100, total: 300 });
  Object.assign(tower, { missing: 150 });
  await lab.cancelTextDownload();
  await first;
  expect(cancelled).toEqual(["downloadText"]);
  expect(state().classes.downloading).toBeNull();
  expect(state().model?.text).toMatchObject({ missing: 150 });
  expect(state().messages).toEqual([]);

  const second = lab.downloadText();
  fetching.fail(new InputError("Storage", "room", "none", "Delete some."));
  await second;
  expect(state().messages.at(-1)!.text).toMatch(/Delete some/);
  expect(state().classes.downloading).toBeNull();

  const third = lab.downloadText();
  Object.assign(tower, { missing: 0, missingToClassify: 0 });
  fetching.finish();
  await third;
  expect(state().model?.text).toEqual({ missing: 0, missingToClassify: 0 });
});

test("embeddings of another width than the encoder's feature are refused", async () => {
  const { lab, runs, state } = await booted({
    embedClasses: async ({ classes, templates }) => ({
      classes,
      templates,
      embeddings: new Float32Array(3 * classes.length),
      width: 3,
      scoring: "softmax",
      scale: 1,
      bias: 0,
      truncated: 0,
    }),
  });
  for (const run of runs) complete(run);
  await settle();
  await lab.embedClasses();
  expect(state().messages.at(-1)!.text).toMatch(/as wide as the class embeddings, 3, got 4/);
  expect(state().classes.embedded).toBeNull();
});

test("another model forgets the embeddings but not the lists; the same one keeps both", async () => {
  const models = [withText("a"), withText("a"), withText("b", "ef")];
  const { lab, state } = await booted({ openModel: async () => models.shift()! });
  lab.setClasses({ names: "cat\ndog" });
  await lab.embedClasses();
  const { embedded } = state().classes;
  void lab.openModel({ kind: "files", files: [] });
  await settle();
  expect(state().classes.embedded).toBe(embedded);
  void lab.openModel({ kind: "files", files: [] });
  await settle();
  expect(state().classes).toMatchObject({ embedded: null, names: "cat\ndog" });
});

test("dropped lists are told apart by their placeholder; what is no list leaves both as they were", async () => {
  const { lab, state } = await booted();
  await lab.openFiles([
    new File(["cat\r\n\r\n dog\r\n"], "pets.txt"),
    new File(["a {}\nthe {}"], "words.txt"),
  ]);
  expect(state().classes).toMatchObject({ names: "cat\ndog", templates: "a {}\nthe {}" });
  expect(state().messages.at(-2)!.text).toMatch(/Class names read from pets.txt: 2. They wait for a model/);
  const refusals = [
    ["", /at least one class name, got none/],
    ["cat\ncat", /every class once, got "cat" twice/],
    [new Uint8Array([0xff, 0xd8, 0]), /text in UTF-8/],
    [Array.from({ length: 25_001 }, (_, i) => i).join("\n"), /at most 25000 class names, got 25001/],
    ["a {}\nno slot", /templates with {} for the class name, got "no slot"/],
    ['["cat", 3]', /list of names/],
  ] as const;
  for (const [content, message] of refusals) {
    await lab.openFiles([new File([content], "list.txt")]);
    expect(state().messages.at(-1)!.text).toMatch(message);
    expect(state().classes).toMatchObject({ names: "cat\ndog", templates: "a {}\nthe {}" });
  }
});

test("a class file is taken over as one name a line", async () => {
  const { lab, state } = await booted();
  await lab.openClassFile(new File(['{"n1": "tench", "n2": "church"}'], "classes.json"), "names");
  expect(state().classes.names).toBe("tench\nchurch");
  lab.chooseTemplates("openai-80");
  expect(state().classes.templates.split("\n")).toHaveLength(80);
});
