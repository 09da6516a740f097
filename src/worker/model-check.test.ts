import { expect, test } from "vitest";
import { CancelledError, InputError } from "../errors/input-error.ts";
import { ModelCheck } from "./model-check.ts";

test("whoever waits is told the progress, and the end of it", async () => {
  let tell: (done: number) => void = () => {};
  let finish: () => void = () => {};
  const check = new ModelCheck(async (onProgress) => {
    tell = (done) => onProgress({ stage: "Checking", done, total: 2 });
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  const steps: number[] = [];
  const waiting = check.wait(undefined, ({ done }) => steps.push(done));
  tell(1);
  finish();
  await waiting;
  tell(2);
  expect(steps).toEqual([1]);
  await check.wait();
});

test("a model without a check that is left is right at once", async () => {
  await new ModelCheck(null).wait();
});

test("damage is thrown to everyone who waits, then and later", async () => {
  const damaged = new InputError("model.safetensors", "sha256 a", "b", "Download it again.");
  const check = new ModelCheck(() => Promise.reject(damaged));
  await expect(check.wait()).rejects.toBe(damaged);
  await expect(check.wait()).rejects.toBe(damaged);
});

test("a wait can be cancelled alone, and the check with all waits", async () => {
  const check = new ModelCheck(
    (_, signal) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new CancelledError("Hashing"))),
      ),
  );
  const one = new AbortController();
  const cancelled = check.wait(one.signal);
  const other = check.wait();
  one.abort();
  await expect(cancelled).rejects.toThrow(CancelledError);
  await expect(Promise.race([other, Promise.resolve("waits")])).resolves.toBe("waits");
  check.stop();
  await expect(other).rejects.toThrow(CancelledError);
});
