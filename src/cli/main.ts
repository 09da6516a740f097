import { join } from "node:path";
import { runCli } from "./program.ts";

/** Entry of `npm run lab`. */

const controller = new AbortController();
process.once("SIGINT", () => controller.abort());

try {
  const assets = join(import.meta.dirname, "../../public");
  process.exitCode = await runCli(process.argv.slice(2), assets, controller.signal);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
