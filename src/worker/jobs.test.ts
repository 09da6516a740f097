import { expect, test } from "vitest";
import { CancelledError } from "../errors/input-error.ts";
import { Jobs } from "./jobs.ts";

/** Work that ends when it is told to, or is cancelled. */
function job() {
  let end: () => void = () => {};
  const work = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      end = () => resolve("done");
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  return { work, end: () => end() };
}

test("a job cancels what runs under its name, and nothing else", async () => {
  const jobs = new Jobs();
  const [first, second, other] = [job(), job(), job()];
  const running = [jobs.run("a", first.work), jobs.run("b", other.work), jobs.run("a", second.work)];
  await expect(running[0]).rejects.toThrow(CancelledError);
  for (const { end } of [second, other]) end();
  expect(await Promise.all(running.slice(1))).toEqual(["done", "done"]);
});

test("jobs beside each other go on, and are cancelled together", async () => {
  const jobs = new Jobs();
  const [first, second, third] = [job(), job(), job()];
  const running = [first, second, third].map(({ work }) => jobs.runBeside("a", work));
  first.end();
  expect(await running[0]).toBe("done");
  jobs.cancel("a");
  for (const each of running.slice(1)) await expect(each).rejects.toThrow(CancelledError);
});
