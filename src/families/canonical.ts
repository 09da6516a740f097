import type { Safetensors } from "../checkpoint/safetensors.ts";
import { concat, stackLinears, transposed } from "../encoder/linears.ts";
import type { EncoderWeights, HeadWeights, Linear, MapWeights, Norm } from "../encoder/weights.ts";
import { biasOf, type EncoderNames, weightOf } from "./names.ts";
import { type PositionResize, resizePositions } from "./positions.ts";
import type { Sizes } from "./sizes.ts";

/** What the tensors do not tell about an encoder. */
export interface CanonicalOptions {
  /** Rows of the position embedding that belong to CLS and registers; 0 = it covers patches only. */
  readonly embeddedLeading: number;
  /** From the checkpoint's grid to the one in use; null = they are the same. */
  readonly resize: PositionResize | null;
  readonly normAfterPool: boolean;
  readonly classifierInput: HeadWeights["classifierInput"];
}

/**
 * Canonical weights of an encoder, read part by part. Linears are [Out, In] in every layout, so only embeddings,
 * separate q, k and v, and the projections of OpenCLIP are rearranged.
 */
export function canonicalWeights(
  file: Safetensors,
  names: EncoderNames,
  sizes: Sizes,
  options: CanonicalOptions,
): EncoderWeights {
  const { width: D, mlpWidth: M } = sizes;
  const read = tensorReader(file);

  return {
    async embed() {
      const rows: Float32Array[] = [];
      if (names.cls && sizes.hasCls) rows.push(await file.read(names.cls.name));
      if (names.registers && sizes.registers > 0) rows.push(await file.read(names.registers));
      const leading = concat(rows);
      const embedding = await file.read(names.positions.name);
      const embedded = options.embeddedLeading * D;
      for (let i = 0; i < embedded; i++) leading[i]! += embedding[i]!;
      const patches = embedding.slice(embedded);
      const preNorm = names.preNorm && file.tensors.has(weightOf(names.preNorm)) ? names.preNorm : null;
      return {
        patchWeight: names.linearPatch
          ? convolution(await file.read(weightOf(names.patch)), D)
          : await file.read(weightOf(names.patch)),
        patchBias: await read.bias(names.patch),
        leading,
        positions: options.resize ? resizePositions(patches, D, options.resize) : patches,
        preNorm: preNorm === null ? null : await read.norm(preNorm),
      };
    },

    async block(index) {
      const at = `${names.blocks}${index}.`;
      const { block } = names;
      const scale = async (which: 0 | 1) => {
        const name = block.scales && at + block.scales[which];
        return name && file.tensors.has(name) ? file.read(name, [D]) : null;
      };
      const parts = typeof block.qkv === "string" ? [block.qkv] : block.qkv;
      return {
        norm1: await read.norm(at + block.norm1),
        qkv: await read.stacked(
          parts.map((part) => at + part),
          D,
        ),
        proj: await read.linear(at + block.proj, D, D),
        scale1: await scale(0),
        norm2: await read.norm(at + block.norm2),
        fc1: await read.linear(at + block.fc1, sizes.fc1Width, D),
        fc2: await read.linear(at + block.fc2, D, M),
        scale2: await scale(1),
      };
    },

    async head(): Promise<HeadWeights> {
      return {
        norm: await read.norm(names.norm),
        normAfterPool: options.normAfterPool,
        map: names.map && sizes.mapWidth > 0 ? await readMap(read, file, names.map, sizes) : null,
        projection: await readProjection(read, file, names.projection, sizes),
        classifier: await readClassifier(read, names.classifiers, sizes),
        classifierInput: options.classifierInput,
      };
    },
  };
}

/** A linear over patches, [D, patch², 3], as the convolution that does the same, [D, 3, patch²]. */
function convolution(weight: Float32Array, width: number): Float32Array {
  const pixels = weight.length / width / 3;
  const out = new Float32Array(weight.length);
  for (let row = 0; row < width; row++) {
    const at = row * pixels * 3;
    out.set(transposed(weight.subarray(at, at + pixels * 3), pixels, 3), at);
  }
  return out;
}

type TensorReader = ReturnType<typeof tensorReader>;

/** Reads linears and norms; a bias is read where the file has one. */
function tensorReader(file: Safetensors) {
  const bias = async (name: string) => (file.tensors.has(biasOf(name)) ? file.read(biasOf(name)) : null);
  const linear = async (name: string, out: number, into: number): Promise<Linear> => ({
    weight: await file.read(weightOf(name), [out, into]),
    bias: await bias(name),
    out,
    in: into,
  });
  return {
    bias,
    linear,
    norm: async (name: string): Promise<Norm> => ({
      weight: await file.read(weightOf(name)),
      bias: await file.read(biasOf(name)),
    }),
    /** Linears of the same input, their rows one below the other. */
    async stacked(parts: readonly string[], into: number): Promise<Linear> {
      const linears: Linear[] = [];
      for (const name of parts) {
        const [out] = file.tensors.get(weightOf(name))!.shape;
        linears.push(await linear(name, out!, into));
      }
      return stackLinears(linears);
    },
  };
}

async function readMap(
  read: TensorReader,
  file: Safetensors,
  map: NonNullable<EncoderNames["map"]>,
  { width: D, mapWidth: M }: Sizes,
): Promise<MapWeights> {
  return {
    probe: await file.read(map.probe),
    qkv: await read.stacked(typeof map.qkv === "string" ? [map.qkv] : map.qkv, D),
    proj: await read.linear(map.proj, D, D),
    norm: await read.norm(map.norm),
    fc1: await read.linear(map.fc1, M, D),
    fc2: await read.linear(map.fc2, D, M),
  };
}

async function readProjection(
  read: TensorReader,
  file: Safetensors,
  projection: EncoderNames["projection"],
  { width: D, projected: E }: Sizes,
): Promise<Linear | null> {
  if (!projection || E === 0) return null;
  if (projection.kind === "linear") return read.linear(projection.name, E, D);
  const weight = transposed(await file.read(projection.tensor, [D, E]), D, E);
  return { weight, bias: null, out: E, in: D };
}

/** One classifier; of two that read a token each, (W1 x1 + W2 x2) / 2 as one linear over [x1; x2]. */
async function readClassifier(
  read: TensorReader,
  names: readonly string[],
  { classes, classifierIn }: Sizes,
): Promise<Linear | null> {
  if (classes === 0) return null;
  const parts: Linear[] = [];
  for (const name of names) parts.push(await read.linear(name, classes, classifierIn));
  if (parts.length === 1) return parts[0]!;
  const into = classifierIn * parts.length;
  const weight = new Float32Array(classes * into);
  const bias = new Float32Array(classes);
  parts.forEach((part, i) => {
    for (let row = 0; row < classes; row++) {
      bias[row]! += (part.bias?.[row] ?? 0) / parts.length;
      for (let c = 0; c < classifierIn; c++) {
        weight[row * into + i * classifierIn + c] = part.weight[row * classifierIn + c]! / parts.length;
      }
    }
  });
  return { weight, bias, out: classes, in: into };
}
