/** What dropped, pasted or chosen files are for. */
export type Route<F> =
  | { readonly kind: "model"; readonly files: readonly F[] }
  | { readonly kind: "registers"; readonly file: F }
  | {
      readonly kind: "image";
      readonly file: F /** Further images that are not opened. */;
      readonly ignored: number;
    }
  /** Class names or prompt templates. */
  | { readonly kind: "lists"; readonly files: readonly F[] }
  /** Labelled images in class-named folders. */
  | { readonly kind: "archive"; readonly file: F }
  | { readonly kind: "nothing" };

const isWeights = (name: string) => /\.safetensors$/i.test(name);
const isRegisters = (name: string) => /registers[^/]*\.safetensors$/i.test(name);
const isList = (name: string) => /(\.txt|(classes|templates)[^/]*\.json)$/i.test(name);

/**
 * Decides by file name: a zip archive is a data set, text files and `*classes*.json` or `*templates*.json` alone are lists for
 * zero-shot classification, a lone `*registers*.safetensors` is a registers file, any other safetensors or JSON file a model, and everything else an image, so that its decoder can say what is wrong with it.
 */
export function routeFiles<F extends { readonly name: string }>(files: readonly F[]): Route<F> {
  const [first] = files;
  if (first === undefined) return { kind: "nothing" };
  const archive = files.find((file) => /\.zip$/i.test(file.name));
  if (archive) return { kind: "archive", file: archive };
  if (files.every(({ name }) => isList(name))) return { kind: "lists", files };
  const model = files.filter((file) => isWeights(file.name) || /\.json$/i.test(file.name));
  if (model.length === 1 && model[0] !== undefined && isRegisters(model[0].name)) {
    return { kind: "registers", file: model[0] };
  }
  if (model.length > 0) return { kind: "model", files: model };
  return { kind: "image", file: first, ignored: files.length - 1 };
}
