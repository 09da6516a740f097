import { z } from "zod";
import { InputError } from "../errors/input-error.ts";
import { DTYPE_BITS } from "./dtypes.ts";

/** One tensor of a safetensors file. */
export interface TensorEntry {
  /** As the format writes it, e.g. "F32", "BF16". */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte and the byte after the last, counted from the file's first byte. */
  readonly begin: number;
  readonly end: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

const size = z.int().nonnegative();
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});
/** Checked as entries: zod's records and objects drop a key such as "__proto__", which a file may well hold. */
const metadataSchema = z
  .custom<object>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "an object",
  )
  .transform((value) => Object.entries(value))
  .pipe(z.array(z.tuple([z.string(), z.string()])));

const AGAIN =
  "The file may be damaged: download it again or export it once more with the safetensors library.";

/**
 * Reads and checks the JSON header of a safetensors file: every entry's type, dtype and byte length, and that
 * the tensors cover the data exactly, without overlap, gap or missing bytes.
 * @param bytes the header's JSON, UTF-8.
 * @param dataBegin byte of the file where the tensors' data begins.
 * @param fileSize bytes of the whole file.
 * @throws InputError
 */
export function parseHeader(
  name: string,
  bytes: Uint8Array,
  dataBegin: number,
  fileSize: number,
): SafetensorsHeader {
  const json = parseJson(name, bytes);
  let metadata: Record<string, string> = {};
  const tensors = new Map<string, TensorEntry>();
  for (const [key, value] of Object.entries(json)) {
    if (key === "__metadata__") {
      const parsed = metadataSchema.safeParse(value);
      if (!parsed.success) {
        throw new InputError(`${name}, __metadata__`, "text values only", issue(parsed.error), AGAIN);
      }
      metadata = Object.fromEntries(parsed.data);
    } else {
      tensors.set(key, parseEntry(`${name}, tensor ${quote(key)}`, value, dataBegin));
    }
  }
  checkLayout(name, tensors, dataBegin, fileSize);
  return { tensors, metadata };
}

function parseJson(name: string, bytes: Uint8Array): object {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  } catch {
    // Falls through to the error below: the parser's own words say nothing that helps.
  }
  throw new InputError(
    name,
    "a safetensors header that is a JSON object",
    "something else",
    "Choose a .safetensors file; a PyTorch .bin or .pt file must be converted first.",
  );
}

function parseEntry(subject: string, value: unknown, dataBegin: number): TensorEntry {
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) {
    throw new InputError(subject, "dtype, shape and data_offsets", issue(parsed.error), AGAIN);
  }
  const { dtype, shape, data_offsets } = parsed.data;
  const bits = DTYPE_BITS.get(dtype);
  if (bits === undefined) {
    const known = [...DTYPE_BITS.keys()].join(", ");
    throw new InputError(subject, `one of the dtypes ${known}`, quote(dtype), AGAIN);
  }
  const [from, to] = data_offsets;
  const expected = (shape.reduce((product, side) => product * side, 1) * bits) / 8;
  if (to - from !== expected) {
    throw new InputError(
      subject,
      `${expected} bytes for ${dtype} [${shape.join(", ")}]`,
      `offsets ${from} to ${to}, ${to - from} bytes`,
      AGAIN,
    );
  }
  return { dtype, shape, begin: dataBegin + from, end: dataBegin + to };
}

/** The format's rule: sorted by offset, each tensor begins where the one before ends, the last ends the file. */
function checkLayout(
  name: string,
  tensors: ReadonlyMap<string, TensorEntry>,
  dataBegin: number,
  fileSize: number,
): void {
  const sorted = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let cursor = dataBegin;
  for (const [key, { begin, end }] of sorted) {
    if (begin !== cursor) {
      throw new InputError(
        `${name}, tensor ${quote(key)}`,
        `data that begins at byte ${cursor - dataBegin}, where the tensor before it ends`,
        `${begin - dataBegin}, ${begin < cursor ? "an overlap" : "a gap"} of ${Math.abs(begin - cursor)} bytes`,
        AGAIN,
      );
    }
    cursor = end;
  }
  if (cursor > fileSize) {
    throw new InputError(
      name,
      `${cursor} bytes, as its header says`,
      `${fileSize} bytes: ${cursor - fileSize} are missing`,
      "The download was cut off: download the file again.",
    );
  }
  if (cursor < fileSize) {
    throw new InputError(
      name,
      `${cursor} bytes, as its header says`,
      `${fileSize} bytes: ${fileSize - cursor} belong to no tensor`,
      AGAIN,
    );
  }
}

/** A name from the file, shortened so that a hostile one cannot flood a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

function issue(error: z.ZodError): string {
  const first = error.issues[0]!;
  const where = first.path.map(String).join(".");
  return (where ? `${where}: ` : "") + first.message;
}
