import { expect, test } from "vitest";
import { isTemplateList, readListFile } from "./list-file.ts";

const file = (...parts: BlobPart[]) => new File(parts, "list.txt");

test("text is read as UTF-8, with or without a byte order mark", async () => {
  expect(await readListFile(file("tench\nköter"))).toBe("tench\nköter");
  expect(await readListFile(file(new Uint8Array([0xef, 0xbb, 0xbf]), "tench"))).toBe("tench");
});

test.each([
  ["a picture", new Uint8Array([0xff, 0xd8, 0xff, 0xe0])],
  ["zeros", new Uint8Array(8)],
  ["UTF-16", new Uint8Array([0xff, 0xfe, 0x74, 0x00])],
])("%s is refused as no text", async (_, bytes) => {
  await expect(readListFile(file(bytes))).rejects.toThrow(
    /list.txt: expected text in UTF-8, got other bytes/,
  );
});

test("a file that is too large for a list is refused unread", async () => {
  await expect(readListFile(file(new Uint8Array(5e6)))).rejects.toThrow(/at most 4 MB, got 5.0 MB/);
});

test("templates are told from names by their placeholder", () => {
  expect(isTemplateList("a photo of a {}.")).toBe(true);
  expect(isTemplateList('["a photo of a {}."]')).toBe(true);
  expect(isTemplateList("tench\nchurch")).toBe(false);
  expect(isTemplateList('{"n1": "tench"}')).toBe(false);
});
