import { parseArgs } from "node:util";
import { launchChromium } from "./chromium.ts";
import { measureEngine } from "./measure-engine.ts";
import { measureEvaluation } from "./measure-evaluation.ts";
import { measureHub } from "./measure-hub.ts";
import { measureLibrary } from "./measure-library.ts";
import { measurePage } from "./measure-page.ts";
import type { Row } from "./row.ts";

// `npm run bench [-- --rounds N] [--only engine|page|hub|library|evaluation] [--json]`: speed and memory, as ratios inside one run, so that
// the speed of the machine cancels. Prints a table, or JSON.
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});

const browser = await launchChromium();
const rows: Row[] = [];
try {
  const wants = (part: string) => values.only === undefined || values.only === part;
  const rounds = Number(values.rounds);
  if (wants("engine")) rows.push(...(await measureEngine(browser, rounds)));
  if (wants("page")) rows.push(...(await measurePage(browser)));
  if (wants("hub")) rows.push(...(await measureHub(browser)));
  if (wants("library")) rows.push(...(await measureLibrary(browser, rounds)));
  if (wants("evaluation")) rows.push(...(await measureEvaluation(browser, rounds)));
} finally {
  await browser.close();
}
if (values.json) {
  console.log(JSON.stringify(rows, null, 2));
} else {
  console.table(
    Object.fromEntries(
      rows.map(({ name, value, limit, unit, detail }) => [
        name,
        { value: `${value.toFixed(3)} ${unit}`, limit: `${limit} ${unit}`, holds: value <= limit, detail },
      ]),
    ),
  );
}
