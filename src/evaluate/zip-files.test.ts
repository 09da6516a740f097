import { type Zippable, zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { type ByteSource, memorySource } from "../checkpoint/byte-source.ts";
import { InputError } from "../errors/input-error.ts";
import { openFileSet } from "./file-dataset.ts";
import { listZip } from "./zip-files.ts";

const text = (value: string) => new TextEncoder().encode(value);
const zip = (files: Zippable) => zipSync(files, { level: 6 });
const open = (bytes: Uint8Array) => listZip(memorySource(bytes, "set.zip"));

/** Counts what is read. */
function counted(source: ByteSource): ByteSource & { reads: number; bytes: number } {
  return {
    name: source.name,
    size: source.size,
    reads: 0,
    bytes: 0,
    read(begin, end) {
      this.reads++;
      this.bytes += end - begin;
      return source.read(begin, end);
    },
  };
}

test("lists files and folders, stored and deflated, and reads each", async () => {
  const long = "abc".repeat(1000);
  const listing = await open(
    zip({
      "set/cat/1.png": [text("one"), { level: 0 }],
      "set/cat/2.png": text(long),
      "set/dog/": new Uint8Array(),
    }),
  );
  expect(listing.files.map(({ path, size }) => [path, size])).toEqual([
    ["set/cat/1.png", 3],
    ["set/cat/2.png", 3000],
  ]);
  expect(listing.folders).toEqual(["set/dog"]);
  expect(new TextDecoder().decode(await listing.files[0]!.read())).toBe("one");
  expect(new TextDecoder().decode(await listing.files[1]!.read())).toBe(long);
});

test("of 10,000 entries only the list and the images asked for are read", async () => {
  const files: Zippable = {};
  for (let i = 0; i < 10_000; i++) files[`class ${i % 10}/${i}.png`] = [new Uint8Array(500), { level: 0 }];
  const bytes = zipSync(files);
  const source = counted(memorySource(bytes, "large.zip"));
  const listing = await listZip(source);
  const decoded: string[] = [];
  const set = await openFileSet(
    {
      ...listing,
      files: listing.files.map((file) => ({ ...file, blob: async () => new Blob([await file.read()]) })),
    },
    async ({ name, blob }) => {
      decoded.push(name);
      return { width: 1, height: 1, data: new Uint8ClampedArray(await blob.arrayBuffer()).subarray(0, 4) };
    },
  );
  expect([set.count, set.classes.length]).toEqual([10_000, 10]);
  // The central directory and the end record; none of the 5 MB of images.
  expect(source.bytes).toBeLessThan(bytes.byteLength - 10_000 * 500);
  const before = { reads: source.reads, bytes: source.bytes };
  await set.image(9_999);
  await set.image(0);
  expect(decoded).toEqual(["large.zip/class 9/9999.png", "large.zip/class 0/0.png"]);
  expect(source.reads - before.reads).toBeLessThanOrEqual(4); // a header and the data of each
  expect(source.bytes - before.bytes).toBeLessThan(2 * (500 + 100));
});

describe("what cannot be read is refused", () => {
  /** Sets a 16-bit field of the central directory's first entry. */
  const patched = (offset: number, value: number) => {
    const bytes = zip({ "cat/1.png": text("x".repeat(100)) });
    const at = bytes.findLastIndex((_, i) => bytes[i] === 0x50 && bytes[i + 2] === 1 && bytes[i + 3] === 2);
    new DataView(bytes.buffer).setUint16(at + offset, value, true);
    return bytes;
  };
  test.each([
    ["no zip", text("not a zip archive, but long enough to hold a record"), /expected a zip archive/],
    ["an empty file", new Uint8Array(), /expected a zip archive/],
    ["a truncated archive", zip({ "a/b.png": text("x".repeat(999)) }).subarray(0, 80), /zip archive/],
    ["an encrypted entry", patched(8, 1), /without a password, got "cat\/1.png", which is encrypted/],
    ["another compression", patched(10, 14), /"cat\/1.png" with compression method 14/],
  ])("%s", async (_, bytes, message) => {
    await expect(open(bytes)).rejects.toThrow(message);
    await expect(open(bytes)).rejects.toBeInstanceOf(InputError);
  });

  test("a damaged entry, when it is read", async () => {
    const bytes = zip({ "cat/1.png": text("x".repeat(5000) + "yz".repeat(100)) });
    bytes.fill(0xff, 40, 50);
    const [file] = (await open(bytes)).files;
    await expect(file!.read()).rejects.toThrow(/set.zip, cat\/1.png: expected an entry that can be unpacked/);
  });

  test("an entry that claims gigabytes, before it is unpacked", async () => {
    const bytes = zip({ "cat/1.png": text("x".repeat(100)) });
    const at = bytes.findLastIndex((_, i) => bytes[i] === 0x50 && bytes[i + 2] === 1 && bytes[i + 3] === 2);
    new DataView(bytes.buffer).setUint32(at + 24, 0x7fffffff, true);
    const [file] = (await open(bytes)).files;
    await expect(file!.read()).rejects.toThrow(/at most 64 MB/);
  });
});
