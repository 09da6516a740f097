import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { ROOT } from "./support/paths.ts";
import { expect, test } from "./support/test.ts";

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves once it says how to stop it, which is when it serves; rejects when the command ends before. */
function untilServing(command: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    const add = (part: Buffer) => {
      text += part;
      if (text.includes("Press Ctrl+C")) resolve();
    };
    command.stdout!.on("data", add);
    command.stderr!.on("data", add);
    command.once("exit", () => reject(new Error(`npm start ended: ${text}`)));
  });
}

test("`npm start` builds the page and serves it isolated", async ({ lab }, info) => {
  const port = await freePort();
  // Elsewhere than the site that the other tests see.
  const args = ["--no-open", "--port", String(port), "--out", info.outputPath("site")];
  const command = spawn(process.execPath, [join(ROOT, "scripts/start.mjs"), ...args]);
  try {
    await untilServing(command);
    await lab.open(`http://localhost:${port}/`);
    expect(await lab.page.evaluate(() => window.crossOriginIsolated)).toBe(true);
  } finally {
    command.removeAllListeners("exit");
    command.kill();
  }
});
