import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const execute = promisify(execFile);
const lab = (...args: string[]) =>
  execute(process.execPath, ["--import", "tsx", join(import.meta.dirname, "main.ts"), ...args]);

test("`npm run lab` finds the bundled files", async () => {
  const { stdout } = await lab("eval", "--bundled", "--limit", "2", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ n: 2 });
});

test("what cannot be done ends with a message and an exit code", async () => {
  await expect(lab("no-such-command")).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no-such-command"),
  });
});
