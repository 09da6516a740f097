import { writeRegisters } from "../regcache/registers-file.ts";
import { modelReport } from "../trace/trace-report.ts";
import { type ModelFlags, openModel } from "./open-model.ts";
import { curateFrom } from "./open-registers.ts";
import type { CurateFlag } from "./options.ts";
import { printJson } from "./output.ts";
import { requireWritable, writeWhole } from "./write-file.ts";

export interface CurateFlags extends ModelFlags, CurateFlag {
  /** Registers file to write. */
  readonly out: string;
}

/**
 * `curate`: makes registers from folders of images, writes them, and prints a summary as JSON: how alike the
 * curated tokens are (cosine among outliers) beside ordinary ones, over all folders and in each.
 * @throws InputError for anything that does not fit; CancelledError on abort
 */
export async function curateCommand(flags: CurateFlags, signal?: AbortSignal): Promise<void> {
  await requireWritable(flags.out, "--out");
  const model = await openModel(flags, signal);
  try {
    const { registers, skipped } = await curateFrom(model, flags, signal);
    const bytes = writeRegisters(registers);
    await writeWhole(flags.out, bytes);
    const { id, from, block, candidates, images, data, cosine, distinct, sets } = registers;
    printJson({
      model: modelReport(model.engine.spec, model.sha256),
      registers: {
        id,
        from,
        block,
        candidates,
        distinct: distinct.map((register) => register.candidates),
        images,
        data,
        cosine,
        ...(sets && { sets }),
        skipped,
        file: flags.out,
        bytes: bytes.byteLength,
      },
    });
  } finally {
    await model.close();
  }
}
