import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CancelledError } from "../errors/input-error.ts";
import { memorySource } from "./byte-source.ts";
import { sha256 } from "./digest.ts";

describe("sha256", () => {
  it.each([0, 3, 4 * 2 ** 20, 9_000_001])("of %i bytes equals Node's", async (size) => {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31) % 251);
    const steps: number[] = [];
    const hex = await sha256(memorySource(bytes, "file"), { onProgress: (done) => steps.push(done) });
    expect(hex).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(steps.at(-1) ?? 0).toBe(size);
  });

  it("stops when cancelled", async () => {
    const signal = AbortSignal.abort();
    const hashing = sha256(memorySource(new Uint8Array(9), "file"), { signal });
    await expect(hashing).rejects.toThrow(CancelledError);
  });
});
