import { describe, expect, test, vi } from "vitest";
import { CancelledError, InputError } from "../errors/input-error.ts";
import { booted, complete, settle } from "./fake-lab.ts";
import { LANES } from "./state.ts";

describe("a run", () => {
  test("boots both lanes; the baseline has no intervention, the other one the defaults", async () => {
    const { runs, state } = await booted();
    expect(runs.map(({ lane }) => lane)).toEqual(LANES);
    expect(runs[0]!.intervention).toEqual({ prefix: null, delete: null, quantize: null });
    expect(runs[1]!.intervention).toMatchObject({
      prefix: { registers: "reg1", from: 0, to: 2 },
      delete: { block: 1 },
    });
    expect(state().image?.sample).toBe("a.png");
  });

  test("fills block by block, and is done only when all blocks and the result are there", async () => {
    const { runs, state } = await booted();
    runs[0]!.trace(0);
    await settle();
    expect(state().lanes.baseline.rows.map((row) => row?.fresh)).toEqual([true, undefined, undefined]);
    runs[0]!.trace(1);
    runs[0]!.finish(); // the result overtakes the last trace
    await settle();
    expect(state().lanes.baseline.state).toBe("running");
    runs[0]!.trace(2);
    await settle();
    expect(state().lanes.baseline.state).toBe("done");
    expect(state().view.domains.residual).toEqual({ low: 1, high: 300 });
  });

  test("fades the old traces when a control moves, and ignores what the superseded run still sends", async () => {
    const { lab, runs, state } = await booted();
    complete(runs[1]!);
    await settle();
    lab.setControls((controls) => ({ ...controls, deletion: { ...controls.deletion, count: 2 } }));
    await vi.waitFor(() => expect(runs).toHaveLength(3));
    expect(state().lanes.intervention.rows.map((row) => row?.fresh)).toEqual([false, false, false]);
    lab.setControls((controls) => ({ ...controls, bits: "w8a8" }));
    await vi.waitFor(() => expect(runs).toHaveLength(4));
    runs[2]!.trace(0);
    runs[2]!.reject(new CancelledError());
    runs[3]!.trace(0);
    await settle();
    expect(state().lanes.intervention.rows.map((row) => row?.fresh)).toEqual([true, false, false]);
    expect(state().lanes.intervention.state).toBe("running");
    expect(state().messages).toEqual([]);
  });

  test("writes the intervention to the link", async () => {
    const { lab, written } = await booted();
    lab.setControls((controls) => ({ ...controls, prefix: { ...controls.prefix, on: false }, bits: "w4a4" }));
    await vi.waitFor(() => expect(written).toHaveLength(2));
    expect(written.at(-1)).toBe("#delete=1,1,linf&quantize=4,4,per-tensor&sample=a.png");
  });

  test("that fails is told in full and leaves image and settings", async () => {
    const { runs, state } = await booted();
    const before = state().controls;
    runs[1]!.reject(new InputError("Deletion", "a block", "block 40", "Choose a block."));
    await settle();
    expect(state().lanes.intervention.state).toBe("failed");
    expect(state().messages[0]?.text).toBe("Deletion: expected a block, got block 40. Choose a block.");
    expect(state().controls).toBe(before);
  });
});
