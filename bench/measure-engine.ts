import type { Browser } from "@playwright/test";
import { median } from "d3-array";
import type { EngineMeasures, LeanTimes } from "./engine/measures.ts";
import { measureNative } from "./engine/native.ts";
import { measureInPage } from "./in-page.ts";
import type { Row } from "./row.ts";

/** Chain against one graph, resumed against full runs, and int8 against FP32, in the browser and natively (bench/engine). */
export async function measureEngine(browser: Browser, rounds: number): Promise<Row[]> {
  const inPage = await measureInPage<EngineMeasures>(browser, "engine", rounds);
  const native = await measureNative(rounds);
  return [...rowsOf(inPage), ...integerRows("command line", native.int8, native.fp32)];
}

const range = (values: readonly number[]) =>
  `${Math.round(Math.min(...values))}..${Math.round(Math.max(...values))} ms`;

function integerRows(what: string, times: LeanTimes["int8"], fp32: readonly number[]): Row[] {
  return Object.entries(times).map(([ranges, int8]) => ({
    name: `${what}: int8, ${ranges} ranges / fp32`,
    value: median(int8.map((time, round) => time / fp32[round]!))!,
    limit: 0.55,
    unit: "x",
    detail: `${range(int8)} against ${range(fp32)}; the fastest ${(Math.min(...int8) / Math.min(...fp32)).toFixed(3)}`,
  }));
}

function rowsOf({ single, chain, resumed, int8, lean, blocks, difference, rounds }: EngineMeasures): Row[] {
  const ratios = chain.map((time, round) => time / single[round]!);
  const rows: Row[] = [
    {
      name: "instrumented chain / one uninstrumented graph",
      value: median(ratios)!,
      limit: 1.05,
      unit: "x",
      detail: `median of ${rounds}; chain ${range(chain)}, graph ${range(single)}; features differ by ${difference.toExponential(1)}`,
    },
  ];
  rows.push(...integerRows("evaluation (lean chain)", lean.int8, lean.fp32));
  rows.push(...integerRows("instrumented chain", int8, chain));
  for (const [block, times] of Object.entries(resumed)) {
    const share = (blocks - Number(block)) / blocks;
    rows.push({
      name: `re-run from block ${block} / full run`,
      value: median(times.map((time, round) => time / chain[round]!))!,
      limit: share + 0.1,
      unit: "x",
      detail: `${range(times)}; ${blocks - Number(block)} of ${blocks} blocks`,
    });
  }
  return rows;
}
