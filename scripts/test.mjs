// `npm test`: every check, in the order of what fails fastest. Ends with `N passed, N failed, N skipped`, counted
// over types, lint, unit and golden tests, and end-to-end tests.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPackages, run } from "./install.mjs";

installPackages();
const { findChromium } = await import("./chromium.mjs");
const reports = mkdtempSync(join(tmpdir(), "regscope-"));
const total = { passed: 0, failed: 0, skipped: 0 };

function add(name, counts) {
  for (const key of Object.keys(total)) total[key] += counts[key];
  console.log(`\n${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
}

/** A check that either holds or does not. */
function check(name, command, args) {
  const code = run(command, args);
  add(name, { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
  return code === 0;
}

/** Runs a suite that writes a JSON report; a suite that dies without one counts as a failure. */
function suite(name, args, file, count, env = {}) {
  const path = join(reports, file);
  const code = run("npx", args(path), { env: { ...process.env, ...env } });
  let counts = { passed: 0, failed: 1, skipped: 0 };
  try {
    counts = count(JSON.parse(readFileSync(path, "utf8")));
    // A suite can fail outside its tests (a file that cannot be loaded, a server that does not start).
    if (code !== 0 && counts.failed === 0) counts.failed = 1;
  } catch (error) {
    console.error(`${name}: no report (${error.message})`);
  }
  add(name, counts);
}

check("Types", "npx", ["tsc", "--noEmit"]);
check("Lint and format", "npx", ["biome", "ci", "--error-on-warnings", "."]);
suite(
  "Unit and golden tests",
  (path) => ["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${path}`],
  "unit.json",
  (report) => ({
    passed: report.numPassedTests,
    failed: report.numFailedTests + (report.numFailedTestSuites > 0 && report.numFailedTests === 0 ? 1 : 0),
    skipped: report.numPendingTests + report.numTodoTests,
  }),
);
if (check("Build", "npx", ["vite", "build", "--logLevel", "warn"])) {
  const chromium = await findChromium().catch((error) => {
    console.error(error.message);
    return null;
  });
  if (chromium) {
    const reportPath = join(reports, "e2e.json");
    suite(
      "End-to-end tests",
      () => ["playwright", "test", "--reporter=list,json"],
      "e2e.json",
      ({ stats }) => {
        if (stats.flaky > 0) console.log(`${stats.flaky} of them passed at the second try only (flaky).`);
        return { passed: stats.expected + stats.flaky, failed: stats.unexpected, skipped: stats.skipped };
      },
      { REGSCOPE_CHROMIUM: chromium, PLAYWRIGHT_JSON_OUTPUT_FILE: reportPath },
    );
  } else {
    add("End-to-end tests", { passed: 0, failed: 1, skipped: 0 });
  }
}

rmSync(reports, { recursive: true, force: true });
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 ? 0 : 1);
