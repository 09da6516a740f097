import { z } from "zod";
import { InputError } from "../errors/input-error.ts";

const samplesSchema = z.array(
  z.object({
    /** File name in the samples folder. */
    file: z.string().regex(/^[\w.-]+$/),
    /** True class, for people; "" where there is none. */
    label: z.string(),
    title: z.string(),
  }),
);

/** A bundled image. */
export type Sample = z.infer<typeof samplesSchema>[number];

/** Reads `samples/samples.json`. @param text null = the file is missing @throws InputError saying what is wrong */
export function parseSamples(text: string | null): readonly Sample[] {
  const invalid = (got: string) =>
    new InputError(
      "samples.json",
      'a list of {"file", "label", "title"}',
      got,
      "Restore public/samples; own images still work.",
    );
  if (text === null) throw invalid("no such file");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
  const parsed = samplesSchema.safeParse(json);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  return parsed.data;
}
