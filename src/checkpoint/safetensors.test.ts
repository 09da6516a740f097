import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { blobSource, memorySource } from "./byte-source.ts";
import { openSafetensors, writeSafetensors } from "./safetensors.ts";

const open = (bytes: Uint8Array) => openSafetensors(memorySource(bytes, "model.safetensors"));

/** A file with any header and data, true or lying. */
function file(header: unknown, data: Uint8Array | number = 0, length?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const body = typeof data === "number" ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + json.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.length);
  return bytes;
}

const f32 = (shape: number[], begin: number, end: number) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

const tensors = fc.uniqueArray(
  fc
    .record({
      name: fc.string({ minLength: 1 }).filter((name) => name !== "__metadata__"),
      shape: fc.array(fc.nat(4), { maxLength: 3 }),
      seed: fc.float({ noNaN: true, noDefaultInfinity: true }),
    })
    .map(({ name, shape, seed }) => {
      const count = shape.reduce((product, side) => product * side, 1);
      return { name, shape, data: Float32Array.from({ length: count }, (_, i) => seed / (i + 1)) };
    }),
  { selector: ({ name }) => name, maxLength: 6 },
);

describe("safetensors", () => {
  it("reads back what it writes", async () => {
    await fc.assert(
      fc.asyncProperty(tensors, fc.dictionary(fc.string(), fc.string()), async (list, metadata) => {
        const bytes = writeSafetensors(list, metadata);
        for (const source of [memorySource(bytes, "m"), blobSource(new Blob([bytes]), "b")]) {
          const opened = await openSafetensors(source);
          expect([...opened.tensors.keys()].sort()).toEqual(list.map(({ name }) => name).sort());
          expect(Object.entries(opened.metadata).sort()).toEqual(Object.entries(metadata).sort());
          for (const { name, shape, data } of list) expect(await opened.read(name, shape)).toEqual(data);
        }
      }),
      { numRuns: 60, examples: [[[], Object.fromEntries([["__proto__", "a key like any other"]])]] },
    );
  });

  it("fails with nothing but an InputError on corrupted files", async () => {
    const edits = fc.array(fc.tuple(fc.nat(500), fc.nat(255)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(tensors, edits, fc.option(fc.nat(500)), async (list, changes, length) => {
        const whole = writeSafetensors(list);
        const bytes = whole.slice(0, length ?? whole.length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        try {
          const opened = await open(bytes);
          for (const name of opened.tensors.keys()) await opened.read(name);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("reads F16 and BF16 exactly, subnormals and signed zeros included", async () => {
    // Half: 1, -2, 2^-24, 65504, -0. Brain float: 1, -2, 2^-133, 3.3895e38, -0.
    const bits = Uint16Array.of(
      0x3c00,
      0xc000,
      0x0001,
      0x7bff,
      0x8000,
      0x3f80,
      0xc000,
      0x0001,
      0x7f7f,
      0x8000,
    );
    const header = {
      half: { dtype: "F16", shape: [5], data_offsets: [0, 10] },
      brain: { dtype: "BF16", shape: [5], data_offsets: [10, 20] },
    };
    const opened = await open(file(header, new Uint8Array(bits.buffer)));
    expect([...(await opened.read("half"))]).toEqual([1, -2, 2 ** -24, 65504, -0]);
    expect([...(await opened.read("brain"))]).toEqual([1, -2, 2 ** -133, 255 * 2 ** 120, -0]);
  });

  it.each([
    ["version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "a Git LFS pointer"],
    ["<!doctype html><title>Not found</title>", "a text file, such as a server's answer"],
    ['{"error": "Not found"}', "a text file, such as a server's answer"],
  ])("says what a text file in its place is: %s", async (text, kind) => {
    const source = memorySource(new TextEncoder().encode(text), "model.safetensors");
    await expect(openSafetensors(source)).rejects.toThrow(kind);
  });

  it("gives every reader an array of its own", async () => {
    const opened = await open(writeSafetensors([{ name: "a", shape: [2], data: Float32Array.of(1, 2) }]));
    (await opened.read("a")).fill(9);
    expect(await opened.read("a")).toEqual(Float32Array.of(1, 2));
  });

  it("reads single rows of a matrix, in any order, and only their bytes", async () => {
    const columns = 5000;
    const data = Float32Array.from({ length: 40 * columns }, (_, i) => i);
    const bytes = writeSafetensors([{ name: "table", shape: [40, columns], data }]);
    const source = memorySource(bytes, "model.safetensors");
    const reads: number[] = [];
    const counted = {
      ...source,
      read(begin: number, end: number) {
        reads.push(end - begin);
        return source.read(begin, end);
      },
    };
    const opened = await openSafetensors(counted);
    reads.length = 0;
    const rows = await opened.readRows("table", [39, 3, 3, 0, 6], [40, columns]);
    const firsts = [39, 3, 3, 0, 6].map((_, i) => rows[i * columns]);
    expect(firsts).toEqual([39, 3, 3, 0, 6].map((row) => row * columns));
    expect(rows[columns - 1]).toBe(40 * columns - 1);
    // Rows 0 to 6 lie close together, row 39 far from them.
    expect(reads).toEqual([7 * 4 * columns, 4 * columns]);
    await expect(opened.readRows("table", [40], [40, columns])).rejects.toThrow("a row below 40, got 40");
    await expect(opened.readRows("table", [0], [40, 2])).rejects.toThrow("expected shape [40, 2]");
  });

  it.each([
    ["an empty file", new Uint8Array(0), "0 bytes"],
    ["a header length beyond 100 MB", file({}, 0, 1n << 60n), "1152921504606846976 bytes"],
    ["a header length beyond the file", file({}, 0, 5000n), "a file of 10 bytes"],
    ["a header that is no JSON", file("{nonsense"), "a JSON object"],
    ["a header that is a list", file([]), "a JSON object"],
    ["invalid UTF-8", file({}, 0).with(8, 0xff), "a JSON object"],
    ["an entry that is a number", file({ a: 1 }), 'tensor "a"'],
    ["an unknown dtype", file({ a: { dtype: "F33", shape: [1], data_offsets: [0, 4] } }, 4), '"F33"'],
    ["a negative shape", file({ a: f32([-1], 0, 4) }, 4), "shape.0"],
    ["a fractional shape", file({ a: f32([1.5], 0, 6) }, 6), "shape.0"],
    ["offsets that run backwards", file({ a: f32([1], 4, 0) }, 4), "offsets 4 to 0"],
    ["bytes that do not match the shape", file({ a: f32([3], 0, 8) }, 8), "12 bytes for F32 [3]"],
    [
      "a shape whose product overflows",
      file({ a: f32([2 ** 52, 2 ** 52, 2 ** 52], 0, 4) }, 4),
      "bytes for F32",
    ],
    ["an overlap", file({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12), "an overlap of 4 bytes"],
    ["a gap", file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), "a gap of 4 bytes"],
    [
      "a name given twice",
      file(`{"a":${JSON.stringify(f32([1], 0, 4))},"a":${JSON.stringify(f32([1], 4, 8))}}`, 8),
      "a gap",
    ],
    ["a truncated download", file({ a: f32([100], 0, 400) }, 150), "250 are missing"],
    ["bytes after the last tensor", file({ a: f32([1], 0, 4) }, 9), "5 belong to no tensor"],
    ["metadata that is not text", file({ __metadata__: { a: 1 } }), "__metadata__"],
  ])("refuses %s", async (_what, bytes, message) => {
    await expect(open(bytes)).rejects.toThrow(InputError);
    await expect(open(bytes)).rejects.toThrow(message);
  });

  it("names a tensor that is missing, misshapen, not a float or not finite", async () => {
    const values = Float32Array.of(1, 2, Number.NaN, Number.POSITIVE_INFINITY);
    const header = {
      a: f32([2, 2], 0, 16),
      ids: { dtype: "I32", shape: [1], data_offsets: [16, 20] },
    };
    const data = new Uint8Array(20);
    data.set(new Uint8Array(values.buffer));
    const opened = await open(file(header, data));
    await expect(opened.read("b")).rejects.toThrow('tensor "b": expected a tensor of this name');
    await expect(opened.read("a", [4])).rejects.toThrow("expected shape [4], got [2, 2]");
    await expect(opened.read("ids")).rejects.toThrow("got I32");
    await expect(opened.read("a")).rejects.toThrow("NaN at flat index 2");
  });
});
