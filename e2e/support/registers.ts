import { lab } from "./cli.ts";
import { BUNDLED_MODEL, SAMPLES } from "./paths.ts";

/** Curates registers with the command line, from the bundled images, and writes them to a file. */
export async function curateRegisters(file: string, model: string = BUNDLED_MODEL, block = 4): Promise<void> {
  await lab([
    "curate",
    ...["--model", model],
    ...["--data", SAMPLES],
    ...["--block", String(block)],
    ...["--top", "20"],
    ...["--out", file],
  ]);
}
