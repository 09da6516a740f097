import { expect, test, vi } from "vitest";
import { InputError } from "../errors/input-error.ts";
import type { LabApi, RegistersInfo } from "../worker/api.ts";
import { booted, memoryRegisters, modelInfo, REGISTERS, settle } from "./fake-lab.ts";

const CURATED: RegistersInfo = {
  ...REGISTERS,
  id: "reg2",
  curation: "photos",
  label: "after block 1, photos",
};
const RANDOM: RegistersInfo = { ...CURATED, id: "sink2", kind: "random-sink", label: "control: photos" };

/** Workers whose registers files hold an id as text. */
const api: Partial<LabApi> = {
  openModel: async () => modelInfo("bundled", [REGISTERS]),
  curate: async () => [CURATED, RANDOM],
  saveRegisters: async (id) => new TextEncoder().encode(id),
  openRegisters: async (file) => {
    const id = await file.text();
    const found = [CURATED, RANDOM].find((each) => each.id === id);
    if (!found) throw new InputError("registers", "a registers file", "another", "Curate anew.");
    return found;
  },
};

/** A page that was opened with a link, in a browser that keeps files. */
const page = (hash: string, files = memoryRegisters()) => booted(api, {}, hash, null, {}, files);

test("curated registers are there again after a reload, and the link with them", async () => {
  const files = memoryRegisters();
  const before = await page("", files);
  await before.lab.curate(null, { block: 0, top: 100 }, 30);
  await vi.waitFor(() => expect(before.written.at(-1)).toContain("#prefix=reg2,"));

  const after = await page("#prefix=reg2,0,2,3&quantize=6,6,per-tensor", files);
  expect(after.state().messages).toEqual([]);
  expect(after.state().model?.registers.map(({ id }) => id)).toEqual(["reg1", "sink2", "reg2"]);
  expect(after.runs[1]!.intervention).toMatchObject({
    prefix: { registers: "reg2", count: 3 },
    quantize: { weightBits: 6 },
  });
});

test("where they are not, all else of the link holds; the registers file brings its prefix back", async () => {
  const { lab, runs, state } = await page("#prefix=reg2,0,1,3&quantize=6,6,per-tensor");
  const [message] = state().messages;
  expect(message?.text).toMatch(/^The link: expected registers reg2 of .*Open their registers file/);
  expect(message?.text).not.toContain("{");
  expect(runs[1]!.intervention).toMatchObject({ prefix: null, delete: null, quantize: { weightBits: 6 } });
  await lab.openRegisters(new Blob(["reg2"]));
  await vi.waitFor(() => expect(runs).toHaveLength(3));
  expect(runs[2]!.intervention.prefix).toEqual({ registers: "reg2", from: 0, to: 1, count: 3 });
});

test("a kept file that is damaged is dropped, and the others are used", async () => {
  const files = memoryRegisters();
  files.files.set("reg2", new Blob(["damaged"]));
  files.files.set("reg3", new Blob(["sink2"]));
  files.files.set("sink2", new Blob(["sink2"]));
  const { state } = await page("", files);
  expect(state().model?.registers.map(({ id }) => id)).toEqual(["reg1", "sink2"]);
  expect([...files.files.keys()]).toEqual(["sink2"]);
  expect(state().messages).toEqual([]);
});

test("a control takes the registers' place in the prefix, and the link names it", async () => {
  const { lab, runs, state, written } = await page("");
  await lab.curate(null, { block: 0, top: 100 }, 30);
  await vi.waitFor(() => expect(runs).toHaveLength(3));
  lab.setControls((old) => ({ ...old, prefix: { ...old.prefix, alternative: "sink2" } }));
  await vi.waitFor(() => expect(runs).toHaveLength(4));
  expect(runs[3]!.intervention.prefix?.registers).toBe("sink2");
  expect(state().controls).toMatchObject({ registers: "reg2", prefix: { kind: "random-sink" } });
  expect(written.at(-1)).toContain("#prefix=sink2,");
  expect((await lab.saveRegisters("stand-in"))?.name).toBe("random-sink-registers-sink2.safetensors");
  expect((await lab.saveRegisters())?.name).toBe("registers-reg2.safetensors");
});

test("a control that is opened from its file stands in for the registers in use", async () => {
  const { lab, runs, state } = await page("");
  await lab.openRegisters(new Blob(["sink2"]));
  await settle();
  await vi.waitFor(() => expect(runs).toHaveLength(3));
  expect(state().controls).toMatchObject({ registers: "reg1", prefix: { on: true, alternative: "sink2" } });
});
