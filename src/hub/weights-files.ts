import { InputError } from "../errors/input-error.ts";
import { type ModelFileSet, modelFileSet } from "../families/model-file-set.ts";
import { safetensorsElsewhere } from "../families/safetensors-elsewhere.ts";
import { refText } from "./hub-ref.ts";
import type { Repository, RepositoryFile } from "./repository.ts";

/** A file of a repository under the name that files are sorted by. */
export interface NamedFile extends RepositoryFile {
  readonly name: string;
}

/** More shards than any image encoder has; each costs requests before its model is even recognised. */
const MOST_SHARDS = 16;

/**
 * The model files in a repository's root, by what they are for.
 * @throws InputError when it has no weights in safetensors, or those of several models
 */
export function repositoryFileSet(repository: Repository): ModelFileSet<NamedFile> {
  const files = repository.files
    .filter(({ path }) => !path.includes("/"))
    .map((file) => ({ ...file, name: file.path }));
  const set = sorted(repository, files);
  if (set.weights.length <= MOST_SHARDS) return set;
  throw new InputError(
    refText(repository),
    `a vision encoder in at most ${MOST_SHARDS} files`,
    `${set.weights.length} files, as of a large language model`,
    "Choose a repository of a vision encoder.",
  );
}

function sorted(repository: Repository, files: readonly NamedFile[]): ModelFileSet<NamedFile> {
  try {
    return modelFileSet(files);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { expected, got } = error;
    const hasWeights = files.some(({ name }) => /\.safetensors$/i.test(name));
    const remedy = hasWeights ? error.remedy : safetensorsElsewhere(repository.id);
    throw new InputError(refText(repository), expected, got, remedy);
  }
}
