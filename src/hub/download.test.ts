import { describe, expect, it } from "vitest";
import { totalBytes } from "../cache/ranges.ts";
import { FIRST_BYTES, planDownload } from "./download.ts";

const MB = 1_000_000;

describe("planDownload", () => {
  it("takes the header and the encoder's tensors, in the order of use, and nothing of a text tower", () => {
    const embed = [{ begin: 400 * MB, end: 401 * MB }];
    const block = [
      { begin: 300 * MB, end: 310 * MB },
      { begin: 310 * MB + 1000, end: 320 * MB },
    ];
    const header = { begin: 0, end: 100_000 };
    const plan = planDownload(600 * MB, [[header], embed, block]);
    expect(plan.isWhole).toBe(false);
    expect(plan.ranges).toEqual([
      { begin: 0, end: FIRST_BYTES },
      { begin: FIRST_BYTES, end: header.end },
      embed[0],
      { begin: 300 * MB, end: 320 * MB },
    ]);
    expect(planDownload(600 * MB, [[{ begin: 0, end: 100 }], embed]).ranges[0]).toEqual({
      begin: 0,
      end: FIRST_BYTES,
    });
    expect(plan.bytes).toBe(totalBytes(plan.ranges));
  });

  it("takes nearly whole files whole, so that their sha256 can be checked", () => {
    const plan = planDownload(100 * MB, [[{ begin: 1000, end: 97 * MB }]]);
    expect(plan).toMatchObject({ isWhole: true, bytes: 100 * MB });
    const small = planDownload(1000, [[{ begin: 200, end: 300 }]]);
    expect(small).toMatchObject({ isWhole: true, bytes: 1000 });
    const wanted = planDownload(100 * MB, [[{ begin: 2 * FIRST_BYTES, end: MB }]], true);
    expect(wanted).toMatchObject({ isWhole: true, bytes: 100 * MB });
  });
});
