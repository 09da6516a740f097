import { vi } from "vitest";
import { runCli } from "./program.ts";

/**
 * For tests: runs a command line.
 * @param assets folder of the bundled files
 * @param stopAt it is cancelled as soon as stderr matches
 * @returns the exit code, and what it wrote
 */
export async function runCaptured(
  argv: readonly string[],
  assets: string,
  stopAt?: RegExp,
): Promise<{ code: number; out: string; err: string }> {
  const stop = new AbortController();
  const written = { out: "", err: "" };
  const to = (stream: "out" | "err") => (text: string | Uint8Array) => {
    written[stream] += text;
    if (stream === "err" && stopAt?.test(written.err)) stop.abort();
    return true;
  };
  const out = vi.spyOn(process.stdout, "write").mockImplementation(to("out"));
  const err = vi.spyOn(process.stderr, "write").mockImplementation(to("err"));
  try {
    const code = await runCli([...argv], assets, stop.signal);
    return { code, ...written };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}
