import { isShardIndex } from "../checkpoint/shards.ts";
import { InputError } from "../errors/input-error.ts";
import { type ConfigFileKind, configFileKind } from "./config-files.ts";
import { safetensorsElsewhere } from "./safetensors-elsewhere.ts";

/** The files of one model by what they are for. */
export interface ModelFileSet<F> {
  /** One file, or the shards of one checkpoint. */
  readonly weights: readonly F[];
  /** Index of the shards. */
  readonly index: F | null;
  readonly configs: Readonly<Partial<Record<ConfigFileKind, F>>>;
  readonly registers: F | null;
}

const isSafetensors = (name: string) => /\.safetensors$/i.test(name);
const isRegisters = (name: string) => /registers[^/]*\.safetensors$/i.test(name);
const isShard = (name: string) => /-\d+-of-\d+\.safetensors$/i.test(name);
/** Weights of other formats, which hold code (pickle) or graphs of their own. */
const isOtherWeights = (name: string) => /\.(bin|pt|pth|ckpt|h5|msgpack|onnx|npz|gguf)$/i.test(name);

const OWN = "model.safetensors";
const OPEN_CLIP = "open_clip_model.safetensors";

/**
 * Names that a repository's weights have, most welcome first: a repository may hold the same model twice. Beside OpenCLIP's files
 * timm's `model.safetensors` is the image tower alone, and its config may not tell the activation (QuickGELU of OpenAI's CLIP);
 * Transformers' is the whole model and comes with a preprocessor_config.json.
 */
function usualNames(names: readonly string[]): readonly string[] {
  const has = (name: string) => names.includes(name);
  const isTimm = has("open_clip_config.json") && !has("preprocessor_config.json");
  return isTimm ? [OPEN_CLIP, OWN] : [OWN, OPEN_CLIP];
}

/**
 * Sorts the files that were dropped, or that lie in a folder, by their names.
 * @throws InputError when there are no weights, weights of another format only, or weights of several models
 */
export function modelFileSet<F extends { readonly name: string }>(files: readonly F[]): ModelFileSet<F> {
  const weights = weightsOf(
    files.filter(({ name }) => isSafetensors(name) && !isRegisters(name)),
    usualNames(files.map(({ name }) => name)),
  );
  if (weights === null) throw noWeights(files);
  const configs: Partial<Record<ConfigFileKind, F>> = {};
  for (const file of files) {
    const kind = isShardIndex(file.name) ? null : configFileKind(file.name);
    if (kind && !configs[kind]) configs[kind] = file;
  }
  const isSharded = weights.length > 1 || isShard(weights[0]!.name);
  return {
    weights,
    index: isSharded ? (files.find(({ name }) => isShardIndex(name)) ?? null) : null,
    configs,
    registers: files.find(({ name }) => isRegisters(name)) ?? null,
  };
}

/** The weights among safetensors files; null when there are none or it is not clear which. */
function weightsOf<F extends { readonly name: string }>(
  files: readonly F[],
  usualNames: readonly string[],
): readonly F[] | null {
  if (files.length === 1) return files;
  for (const usual of usualNames) {
    const found = files.find(({ name }) => name === usual);
    if (found) return [found];
  }
  const shards = files.filter(({ name }) => isShard(name));
  return shards.length > 0 && shards.length === files.length ? shards : null;
}

function noWeights(files: readonly { readonly name: string }[]): InputError {
  const expected =
    "one .safetensors file with the weights, or all shards (config.json, preprocessor_config.json and registers.safetensors may come with it)";
  const names = files.map(({ name }) => name);
  const got = names.slice(0, 8).join(", ") + (names.length > 8 ? ", ..." : "") || "no file";
  const weights = names.filter((name) => isSafetensors(name) && !isRegisters(name));
  if (weights.length > 1) {
    return new InputError("Model files", expected, got, "Choose the files of one model only.");
  }
  const remedy = names.some(isOtherWeights)
    ? `Only safetensors can be read. ${safetensorsElsewhere(null)}`
    : "Choose the model.safetensors of the encoder.";
  return new InputError("Model files", expected, got, remedy);
}
