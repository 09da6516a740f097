import { join } from "node:path";

/** Entry of `npm run lab`. */

const controller = new AbortController();
// Before the program is loaded, which takes a while: whoever cancels at once is answered, too.
process.once("SIGINT", () => controller.abort());
const { runCli } = await import("./program.ts");

try {
  const assets = join(import.meta.dirname, "../../public");
  process.exitCode = await runCli(process.argv.slice(2), assets, controller.signal);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
