import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { deletionPairs } from "../../src/intervention/deletion-text.ts";
import type { Intervention } from "../../src/intervention/intervention.ts";
import { quantizationPairs } from "../../src/intervention/quantization-text.ts";
import { BUNDLED_MODEL, CLI_BUNDLE, ROOT } from "./paths.ts";

const execute = promisify(execFile);

/** max, p99 and median over tokens. */
interface Summary {
  readonly max: number;
  readonly p99: number;
  readonly median: number;
}

/** The part of `trace --full --json` that the page shows as well. */
export interface CliTrace {
  readonly model: { readonly label: string; readonly sha256: string; readonly blocks: number };
  /** Token indices that the run deleted. */
  readonly deleted: readonly number[];
  readonly blocks: readonly {
    readonly block: number;
    readonly residual: Summary & { readonly maxToken: number; readonly maxChannel: number };
    readonly fc2Input: Summary;
    readonly perToken: {
      readonly positions: readonly number[];
      readonly linf: readonly number[];
      readonly l2: readonly number[];
    };
  }[];
}

/**
 * Runs the project's own command line (onnxruntime-node) and parses what it prints.
 * @param assets folder of the bundled models and datasets, when it is not `public`
 */
export async function lab<T>(args: readonly string[], assets = join(ROOT, "public")): Promise<T> {
  const { stdout } = await execute(process.execPath, [join(CLI_BUNDLE, "lab.mjs"), ...args, "--json"], {
    cwd: ROOT,
    maxBuffer: 2 ** 28,
    env: { ...process.env, REGSCOPE_ASSETS: assets },
  });
  return JSON.parse(stdout) as T;
}

const traces = new Map<string, Promise<CliTrace>>();

/** What the command line traces for an image; equal calls run once. @param model folder of the encoder */
export function cliTrace(
  image: string,
  flags: readonly string[] = [],
  model: string = BUNDLED_MODEL,
): Promise<CliTrace> {
  const args = ["trace", "--model", model, "--image", image, "--full", ...flags];
  const key = args.join("\n");
  const known = traces.get(key) ?? lab<CliTrace>(args);
  traces.set(key, known);
  return known;
}

/** Flags that ask the command line for an intervention, without the registers. */
export function flagsOf({ prefix, delete: deletion, quantize }: Intervention): string[] {
  const flags: string[] = [];
  if (prefix) flags.push("--prefix", `from=${prefix.from},to=${prefix.to},count=${prefix.count}`);
  if (deletion) {
    const pairs = deletionPairs(deletion).filter(([key]) => key !== "registers");
    flags.push("--delete", pairs.map((pair) => pair.join("=")).join(","));
  }
  if (quantize) {
    const { weightBits, activationBits, weightGranularity } = quantize;
    const others = quantizationPairs(quantize).map(([key, value]) => `,${key}=${value}`);
    flags.push(
      "--quantize",
      `w${weightBits}a${activationBits},weights=${weightGranularity}${others.join("")}`,
    );
  }
  return flags;
}
