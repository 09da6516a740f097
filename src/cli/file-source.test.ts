import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { fileSource } from "./file-source.ts";

describe("fileSource", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "regscope-"));
    await writeFile(join(folder, "a.bin"), Uint8Array.of(1, 2, 3, 4, 5));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("reads any range, any number of times", async () => {
    const source = await fileSource(join(folder, "a.bin"));
    expect([source.name, source.size]).toEqual(["a.bin", 5]);
    for (let i = 0; i < 2; i++) expect(await source.read(1, 4)).toEqual(Uint8Array.of(2, 3, 4));
    expect(await source.read(5, 5)).toEqual(new Uint8Array(0));
    await expect(source.read(3, 6)).rejects.toThrow(InputError);
    await source.close();
  });

  it("refuses what is no file", async () => {
    await expect(fileSource(join(folder, "none"))).rejects.toThrow(InputError);
    await expect(fileSource(folder)).rejects.toThrow("not a regular file");
  });
});
