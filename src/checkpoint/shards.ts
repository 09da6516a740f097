import { z } from "zod";
import { InputError } from "../errors/input-error.ts";
import type { ByteSource } from "./byte-source.ts";
import type { TensorEntry } from "./header.ts";
import { openSafetensors, type Safetensors } from "./safetensors.ts";

/** model.safetensors.index.json as huggingface_hub and Transformers write it; other keys are ignored. */
const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

const REMEDY = "Choose all shards of one checkpoint, with its model.safetensors.index.json.";

/** Whether a file is the index of a sharded checkpoint, by its name. */
export function isShardIndex(name: string): boolean {
  return /\.safetensors\.index[^/]*\.json$/i.test(name);
}

/**
 * Opens a checkpoint that is one safetensors file or several shards.
 * @param index the parsed index of the shards; null when there is none, as for a single file. Without one, shards are
 *   recognised as a whole by their names: `...-00001-of-00003.safetensors` and so on.
 * @returns one view of all tensors; their offsets count from the beginning of their own shard
 * @throws InputError for a file that is not whole, for missing shards, and for shards that do not belong together
 */
export async function openCheckpoint(
  sources: readonly ByteSource[],
  index: unknown = null,
): Promise<Safetensors> {
  const [only] = sources;
  if (sources.length === 1 && index === null && shardNumber(only!.name) === null)
    return openSafetensors(only!);
  const files = sources.map(({ name }) => name);
  const placed = index === null ? null : parseIndex(index);
  checkComplete(files, placed === null ? expectedShards(files) : new Set(placed.values()));
  const shards: Safetensors[] = [];
  for (const source of sources) shards.push(await openSafetensors(source));
  const owner = ownersOf(shards, placed);
  const shardOf = (name: string) => owner.get(name) ?? shards[0]!;
  return {
    name: placed ? "model.safetensors.index.json" : files[0]!,
    size: sources.reduce((sum, { size }) => sum + size, 0),
    tensors: new Map(
      [...owner].map(([name, shard]): [string, TensorEntry] => [name, shard.tensors.get(name)!]),
    ),
    metadata: Object.assign({}, ...shards.map(({ metadata }) => metadata)),
    read: (name, shape) => shardOf(name).read(name, shape),
    readRows: (name, rows, shape) => shardOf(name).readRows(name, rows, shape),
  };
}

/** Tensor -> shard. */
function parseIndex(index: unknown): Map<string, string> {
  const parsed = indexSchema.safeParse(index);
  if (parsed.success) return new Map(Object.entries(parsed.data.weight_map));
  const expected = "a weight_map of tensor names to file names";
  throw new InputError("model.safetensors.index.json", expected, parsed.error.issues[0]!.message, REMEDY);
}

/** `-00002-of-00003` -> 2 of 3. */
function shardNumber(name: string): { stem: string; number: number; of: number } | null {
  const [, stem, number, of] = /^(.*)-(\d+)-of-(\d+)\.safetensors$/i.exec(name) ?? [];
  return stem === undefined ? null : { stem, number: Number(number), of: Number(of) };
}

/** The names of all shards of the set that the first file belongs to. */
function expectedShards(files: readonly string[]): Set<string> {
  const first = shardNumber(files[0]!);
  if (!first || first.of > MAX_SHARDS) {
    const got = files.join(", ");
    throw new InputError(
      "Model files",
      "one .safetensors file, or the shards of one checkpoint",
      got,
      REMEDY,
    );
  }
  const padded = (n: number) => String(n).padStart(5, "0");
  return new Set(
    Array.from(
      { length: first.of },
      (_, i) => `${first.stem}-${padded(i + 1)}-of-${padded(first.of)}.safetensors`,
    ),
  );
}

/** Far above any image encoder; keeps a hostile name from costing memory. */
const MAX_SHARDS = 1000;

function checkComplete(files: readonly string[], expected: ReadonlySet<string>): void {
  const missing = [...expected].filter((name) => !files.includes(name));
  const foreign = files.filter((name) => !expected.has(name));
  if (missing.length === 0 && foreign.length === 0 && files.length === expected.size) return;
  const few = (names: readonly string[]) => names.slice(0, 4).join(", ") + (names.length > 4 ? ", ..." : "");
  const got = [
    missing.length > 0 ? `no ${few(missing)}` : "",
    foreign.length > 0 ? `also ${few(foreign)}, which is none of them` : "",
    files.length > new Set(files).size ? "a shard twice" : "",
  ];
  throw new InputError(
    "Model files",
    `the ${expected.size} shards of one checkpoint`,
    got.filter((part) => part !== "").join("; "),
    REMEDY,
  );
}

/** Tensor -> the shard that holds it; no tensor may lie in two shards, or elsewhere than the index says. */
function ownersOf(
  shards: readonly Safetensors[],
  placed: ReadonlyMap<string, string> | null,
): Map<string, Safetensors> {
  const owner = new Map<string, Safetensors>();
  for (const shard of shards) {
    for (const name of shard.tensors.keys()) {
      const other = owner.get(name);
      if (other) {
        const got = `"${name}" in ${other.name} and in ${shard.name}: a mixture of checkpoints`;
        throw new InputError("Model files", "every tensor in one shard", got, REMEDY);
      }
      const said = placed?.get(name);
      if (placed && said !== shard.name) {
        const got = `"${name}" in ${shard.name} (the index says ${said ?? "nothing of it"})`;
        throw new InputError("Model files", "shards that hold what their index says", got, REMEDY);
      }
      owner.set(name, shard);
    }
  }
  const lost = [...(placed?.keys() ?? [])].find((name) => !owner.has(name));
  if (lost === undefined) return owner;
  throw new InputError("Model files", `"${lost}", which the index names`, "shards without it", REMEDY);
}
