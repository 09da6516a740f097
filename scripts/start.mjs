// `npm start [-- --port N] [--no-open] [--out DIR]`: installs what is missing, builds, serves with the headers that threads
// need, and opens the page. Needs no network once the packages are installed.
import { parseArgs } from "node:util";
import { installPackages, root } from "./install.mjs";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "4173" },
    "no-open": { type: "boolean", default: false },
    out: { type: "string", default: "dist" },
  },
});
const port = Number(values.port);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error(`--port: expected a number from 1 to 65535, got "${values.port}".`);
  process.exit(2);
}

installPackages();
process.chdir(root);
const { build, preview } = await import("vite");
// This mode's service worker removes itself: what was just built must not be hidden by what a browser kept of a build before.
const site = { outDir: values.out };
await build({ mode: "start", logLevel: "warn", build: site });
const server = await preview({ build: site, preview: { port, open: !values["no-open"] } });
server.printUrls();
console.log("  Press Ctrl+C to stop.");
