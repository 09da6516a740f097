import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RandomCheckpointOptions, randomCheckpoint } from "../../src/families/random-checkpoint.ts";

/** The header of a safetensors file: tensor name -> entry. */
export type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

/** Writes a random checkpoint as a model folder. @returns the folder */
export async function writeModel(
  folder: string,
  options: RandomCheckpointOptions,
  { config = true } = {},
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const checkpoint = randomCheckpoint(options);
  await writeFile(join(folder, "model.safetensors"), checkpoint.bytes);
  if (config) await writeFile(join(folder, "config.json"), JSON.stringify(checkpoint.config));
  return folder;
}

/** The same file with another header; its data stay as they are. */
export function withHeader(bytes: Uint8Array, edit: (header: Header) => void): Buffer {
  const file = Buffer.from(bytes);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, 8 + length)) as Header;
  edit(header);
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([size, json, file.subarray(8 + length)]);
}
