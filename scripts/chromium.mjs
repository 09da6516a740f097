// Finds a Chromium for the end-to-end tests, or installs one.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./install.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];

function installed(playwrightPath) {
  const named = process.env.REGSCOPE_CHROMIUM;
  if (named) return named;
  const onPath = (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...onPath, ...MAC, playwrightPath].find((path) => path && existsSync(path)) ?? null;
}

/** Path of a Chromium: REGSCOPE_CHROMIUM, one of the system's, or Playwright's; installs one if there is none. */
export async function findChromium() {
  const { chromium } = await import("@playwright/test");
  const playwrightPath = chromium.executablePath();
  const found = installed(playwrightPath);
  if (found) return found;
  console.error("No Chromium found: installing Playwright's ...");
  if (run("npx", ["playwright", "install", "chromium"]) !== 0 && process.getuid?.() === 0) {
    console.error("Playwright's could not be fetched: trying the system's package ...");
    run("apt-get", ["update", "-qq"]);
    run("apt-get", ["install", "-y", "-qq", "chromium"]);
  }
  const path = installed(playwrightPath);
  if (path) return path;
  throw new Error(
    "No Chromium: install one (e.g. apt-get install chromium) or set REGSCOPE_CHROMIUM to its path.",
  );
}
