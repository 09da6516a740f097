import { InputError } from "../errors/input-error.ts";
import type { ByteSource } from "./byte-source.ts";
import { firstNotFinite, READABLE_DTYPES, toFloat32 } from "./dtypes.ts";
import { parseHeader, quote, type SafetensorsHeader, type TensorEntry } from "./header.ts";

/** An opened safetensors file: its header, checked, and its tensors by name, read when asked for. */
export interface Safetensors extends SafetensorsHeader {
  /** Of the source. */
  readonly name: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /**
   * One tensor as fp32, row-major, in an array of the caller's own.
   * @param expectedShape when given, the shape that the tensor must have.
   * @throws InputError when it is missing, has another shape, is not F32, F16 or BF16, or holds NaN or infinity.
   */
  read(name: string, expectedShape?: readonly number[]): Promise<Float32Array>;
  /**
   * Rows of a matrix as fp32, [rows, columns], in the order asked for: of a token embedding with 256,000 rows, a few
   * hundred are needed. Only their bytes are read, neighbouring rows together.
   * @param rows indices below shape[0]; may repeat.
   * @throws InputError as `read` does, for the rows that are read.
   */
  readRows(
    name: string,
    rows: readonly number[],
    expectedShape: readonly [number, number],
  ): Promise<Float32Array>;
}

/** The format's own limit (safetensors, `MAX_HEADER_SIZE`). */
const MAX_HEADER = 100_000_000;

/**
 * Opens a safetensors file: 8 bytes of header length (little-endian u64), the JSON header, the data.
 * Only the header is read.
 * @throws InputError for every file that is not whole and consistent.
 */
export async function openSafetensors(source: ByteSource): Promise<Safetensors> {
  const { name, size } = source;
  const remedy = "Choose a whole .safetensors file, or download it again.";
  if (size < 8) {
    throw new InputError(name, "a safetensors file of at least 8 bytes", `${size} bytes`, remedy);
  }
  const prefix = await source.read(0, 8);
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER || length < 2) {
    throw new InputError(
      name,
      `a header of 2 to ${MAX_HEADER} bytes`,
      textOf(prefix) ?? `${length} bytes`,
      remedy,
    );
  }
  const dataBegin = 8 + Number(length);
  if (dataBegin > size) {
    throw new InputError(name, `a header of ${length} bytes`, `a file of ${size} bytes`, remedy);
  }
  const header = parseHeader(name, await source.read(8, dataBegin), dataBegin, size);
  return {
    ...header,
    name,
    size,
    read: (key, shape) => readTensor(source, header, key, shape),
    readRows: (key, rows, shape) => readRows(source, header, key, rows, shape),
  };
}

/** What a text file in a model's place is, by how it begins: such come from a clone without Git LFS, or a failed download. */
function textOf(begin: Uint8Array): string | null {
  const text = String.fromCharCode(...begin);
  if (text.startsWith("version "))
    return "a Git LFS pointer, which stands for the file that is to be downloaded";
  return /^\s*[<{]/.test(text) ? "a text file, such as a server's answer in its place" : null;
}

async function readTensor(
  source: ByteSource,
  header: SafetensorsHeader,
  key: string,
  expectedShape: readonly number[] | undefined,
): Promise<Float32Array> {
  const { begin, end, dtype } = findTensor(source, header, key, expectedShape);
  return decode(source, key, await source.read(begin, end), dtype);
}

/** Bytes that are read for nothing rather than in a read of their own: a request costs more than they do. */
const READ_AHEAD = 1 << 16;

async function readRows(
  source: ByteSource,
  header: SafetensorsHeader,
  key: string,
  rows: readonly number[],
  [count, columns]: readonly [number, number],
): Promise<Float32Array> {
  const { begin, end, dtype } = findTensor(source, header, key, [count, columns]);
  const bytesPerRow = (end - begin) / count;
  const out = new Float32Array(rows.length * columns);
  const outside = rows.find((row) => !Number.isInteger(row) || row < 0 || row >= count);
  if (outside !== undefined) {
    const remedy = "Choose the files of one model: these do not belong together.";
    throw new InputError(tensorName(source, key), `a row below ${count}`, String(outside), remedy);
  }
  const order = [...rows.keys()].sort((a, b) => rows[a]! - rows[b]!);
  for (let i = 0; i < order.length; ) {
    const first = rows[order[i]!]!;
    let next = i;
    let last = first;
    while (next < order.length && (rows[order[next]!]! - last - 1) * bytesPerRow <= READ_AHEAD) {
      last = rows[order[next]!]!;
      next++;
    }
    const bytes = await source.read(begin + first * bytesPerRow, begin + (last + 1) * bytesPerRow);
    const values = decode(source, key, bytes, dtype);
    for (; i < next; i++) {
      const at = (rows[order[i]!]! - first) * columns;
      out.set(values.subarray(at, at + columns), order[i]! * columns);
    }
  }
  return out;
}

function findTensor(
  source: ByteSource,
  header: SafetensorsHeader,
  key: string,
  expectedShape: readonly number[] | undefined,
): TensorEntry {
  const subject = tensorName(source, key);
  const entry = header.tensors.get(key);
  if (!entry) {
    throw new InputError(subject, "a tensor of this name", "none", "Choose the checkpoint of a whole model.");
  }
  const shape = entry.shape.join(", ");
  if (expectedShape && expectedShape.join(", ") !== shape) {
    const remedy = "Choose a checkpoint of the expected architecture.";
    throw new InputError(subject, `shape [${expectedShape.join(", ")}]`, `[${shape}]`, remedy);
  }
  return entry;
}

function decode(source: ByteSource, key: string, bytes: Uint8Array, dtype: string): Float32Array {
  const values = toFloat32(bytes, dtype);
  if (!values) {
    const remedy = "Export the model in single or half precision.";
    throw new InputError(tensorName(source, key), READABLE_DTYPES.join(", "), dtype, remedy);
  }
  const bad = firstNotFinite(values);
  if (bad >= 0) {
    const remedy = "The checkpoint is damaged or its training diverged: choose another.";
    const got = `${values[bad]} at flat index ${bad}`;
    throw new InputError(tensorName(source, key), "finite numbers", got, remedy);
  }
  return values;
}

function tensorName(source: ByteSource, key: string): string {
  return `${source.name}, tensor ${quote(key)}`;
}

/** Name and shape of a tensor that is to be written. */
export interface TensorLayout {
  readonly name: string;
  readonly shape: readonly number[];
}

/**
 * A safetensors file of F32 tensors with all data zero, to be filled in place: nothing lies in memory twice.
 * @returns the file's bytes, and per tensor the view of its data in them.
 */
export function allocateSafetensors(
  layout: readonly TensorLayout[],
  metadata: Readonly<Record<string, string>> = {},
): { bytes: Uint8Array<ArrayBuffer>; views: Map<string, Float32Array> } {
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) entries.push(["__metadata__", metadata]);
  const spans: { name: string; begin: number; count: number }[] = [];
  let offset = 0;
  for (const { name, shape } of layout) {
    const count = shape.reduce((product, side) => product * side, 1);
    spans.push({ name, begin: offset, count });
    entries.push([name, { dtype: "F32", shape, data_offsets: [offset, offset + 4 * count] }]);
    offset += 4 * count;
  }
  const json = new TextEncoder().encode(
    `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`)}}`,
  );
  // Spaces after the JSON align the data to 8 bytes, as the format recommends.
  const dataBegin = 8 + Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(dataBegin + offset).fill(0x20, 8, dataBegin);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataBegin - 8), true);
  bytes.set(json, 8);
  const views = new Map<string, Float32Array>();
  for (const { name, begin, count } of spans) {
    if (views.has(name) || name === "__metadata__")
      throw new Error(`Tensor name ${name} cannot be used twice.`);
    views.set(name, new Float32Array(bytes.buffer, dataBegin + begin, count));
  }
  return { bytes, views };
}

/**
 * F32 tensors as the bytes of a safetensors file, in the given order.
 * @param tensors data row-major; its length must be the product of the shape.
 */
export function writeSafetensors(
  tensors: readonly (TensorLayout & { readonly data: Float32Array })[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const { bytes, views } = allocateSafetensors(tensors, metadata);
  for (const { name, data, shape } of tensors) {
    const view = views.get(name)!;
    if (view.length !== data.length)
      throw new Error(`${name}: ${data.length} values for [${shape.join(", ")}].`);
    view.set(data);
  }
  return bytes;
}
