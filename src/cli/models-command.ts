import { keptText, type SavedModel } from "../cache/model-storage.ts";
import { InputError } from "../errors/input-error.ts";
import { parseHubRef, refText } from "../hub/hub-ref.ts";
import { folderStorage, modelCacheFolder } from "./folder-storage.ts";
import { HUB } from "./model-source.ts";
import { formatTable, printJson, printText } from "./output.ts";

export interface ModelsFlags {
  /** `hub:OWNER/NAME[@REVISION]` or without `hub:`; without a revision all that are kept of the repository are meant. */
  readonly delete?: string;
  readonly json?: boolean;
}

/**
 * `models`: lists what was downloaded from a hub, or deletes some of it and tells what.
 * @throws InputError when what is to be deleted is not there
 */
export async function modelsCommand(flags: ModelsFlags): Promise<void> {
  const folder = modelCacheFolder();
  const storage = folderStorage(folder);
  const kept = await storage.list();
  const doomed = flags.delete === undefined ? null : chosen(kept, flags.delete);
  for (const model of doomed ?? []) await storage.delete(model);
  const models = doomed ?? kept;
  if (flags.json) return printJson({ folder, [doomed ? "deleted" : "models"]: models });
  if (models.length === 0) return printText(`No models of a hub in ${folder}.`);
  const total = models.reduce((sum, { bytes }) => sum + bytes, 0);
  const rows = models.map((model) => [
    refText(model) + keptText(model),
    model.commit.slice(0, 8),
    new URL(model.hub).host,
    megabytes(model.bytes),
  ]);
  printText(
    `${doomed ? "Deleted from" : "In"} ${folder}: ${megabytes(total)}`,
    formatTable([["model", "commit", "server", "size"], ...rows]),
  );
}

/** Those of a repository, where a revision is named at it: a branch or tag as it was asked for, or a commit. */
function chosen(kept: readonly SavedModel[], typed: string): SavedModel[] {
  const text = typed.startsWith(HUB) ? typed.slice(HUB.length) : typed;
  const { id, revision } = parseHubRef(text);
  const isNamed = (model: SavedModel) =>
    !text.includes("@") || model.revision === revision || model.commit.startsWith(revision);
  const found = kept.filter((model) => model.id === id && isNamed(model));
  if (found.length > 0) return found;
  throw new InputError(
    "--delete",
    kept.length === 0 ? "a model that was downloaded" : `one of ${kept.map(refText).join(", ")}`,
    typed,
    "`lab models` lists what there is; nothing was deleted.",
  );
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
