import type { EncoderSpec } from "../encoder/spec.ts";
import { refText } from "../hub/hub-ref.ts";
import type { ModelRequest } from "../worker/api.ts";

/** How the page names a model: as its config does, else by the repository that it came from, else by its file. */
export function modelName({ label }: Pick<EncoderSpec, "label">, request: ModelRequest | null): string {
  const isFile = /\.safetensors(\.index\.json)?$/i.test(label);
  return isFile && request?.kind === "hub" ? refText(request) : label;
}
