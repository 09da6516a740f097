import { runCli } from "../../src/cli/program.ts";

/** `npm run lab` over other bundled files than the project's: those of REGSCOPE_ASSETS. */
process.exitCode = await runCli(process.argv.slice(2), process.env.REGSCOPE_ASSETS!);
