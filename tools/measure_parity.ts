/**
 * Measures how far this program is from the reference libraries on the families' fixtures, and writes it down:
 *
 *     npx tsx tools/measure_parity.ts
 *     npx tsx tools/measure_parity.ts FOLDER      (of other fixtures: only prints)
 *
 * src/parity/measured.json carries the numbers that the page's badge shows, docs/parity.md the table for people.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { compareWithReference, listReferences } from "../src/cli/parity.ts";
import { largestDifference } from "../src/parity/compare.ts";

const ROOT = resolve(import.meta.dirname, "..");
const [other] = process.argv.slice(2);
const FIXTURES = other ?? join(ROOT, "src/families/fixtures");
const IMAGES = join(ROOT, "src/image/fixtures");
const BEGIN = "<!-- measured: tools/measure_parity.ts -->";
const END = "<!-- end -->";

const rows: string[] = [];
const families: Record<
  string,
  { library: string; version: string; torch: string; references: number; difference: number }
> = {};
const digits = (x: number | null) => (x === null ? "" : x === 0 ? "0" : x.toExponential(1));

for (const reference of await listReferences(FIXTURES)) {
  const { info } = reference;
  const parity = await compareWithReference(reference, IMAGES);
  const difference = largestDifference(parity);
  const known = families[info.family];
  families[info.family] = {
    library: info.library,
    version: info.version,
    torch: info.torch,
    references: (known?.references ?? 0) + 1,
    difference: Number(Math.max(difference, known?.difference ?? 0).toExponential(1)),
  };
  const cells = [
    info.case,
    info.family,
    `${info.size}${info.native ? "" : " (other size)"}`,
    `${info.library} ${info.version}`,
    digits(parity.pixels),
    digits(Math.max(parity.embedded, ...parity.blocks)),
    digits(Math.max(parity.feature, parity.pooled ?? 0)),
    digits(parity.logits),
  ];
  rows.push(`| ${cells.join(" | ")} |`);
}

if (other === undefined) await record();
process.stdout.write(`${rows.join("\n")}\n`);

/** Writes the badge's numbers and the table of the docs. */
async function record(): Promise<void> {
  await writeFile(join(ROOT, "src/parity/measured.json"), `${JSON.stringify(families, null, 2)}\n`);
  const path = join(ROOT, "docs/parity.md");
  const text = await readFile(path, "utf8");
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`${path} has no place for the table.`);
  const head = [
    "| fixture | family | pixels a side | reference | pixels | worst state | feature | logits |",
    "|---|---|---|---|---|---|---|---|",
  ];
  await writeFile(path, `${before}${BEGIN}\n\n${[...head, ...rows].join("\n")}\n\n${END}${after}`);
}
