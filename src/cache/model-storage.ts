import { z } from "zod";
import { bytesIn, type PieceStore } from "./piece-store.ts";

/** What is written beside a model's pieces, so that it can be opened without a network. */
export const manifestSchema = z.object({
  hub: z.string(),
  id: z.string(),
  revision: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  licence: z.string().nullable(),
  gated: z.boolean(),
  files: z.array(z.object({ path: z.string(), size: z.int().nonnegative(), sha256: z.string().nullable() })),
  /** The encoder is here whole, and was checked as far as it can be. */
  complete: z.boolean(),
  /**
   * Of the text tower and its tokenizer: there is `none`, it is `absent`, it was `wanted`, whole or for some classes, but has not
   * arrived whole, or it is here `whole` and checked; null = not known yet.
   */
  text: z.enum(["none", "absent", "wanted", "whole"]).nullable().default(null),
});

/** A repository at a commit, and whether its encoder is here. */
export type SavedManifest = z.infer<typeof manifestSchema>;

/** A model that is kept, whole or in part. */
export interface SavedModel extends Omit<SavedManifest, "files"> {
  /** Names it. */
  readonly key: string;
  /** Bytes that its pieces take. */
  readonly bytes: number;
}

/** What names a saved model. */
export type ModelName = Pick<SavedManifest, "hub" | "id" | "commit">;

/** A model that is looked for: at a commit, or at what was a revision when it was saved. */
export interface WantedModel extends Pick<SavedManifest, "hub" | "id"> {
  readonly commit?: string | undefined;
  readonly revision: string;
}

/** Where models of the Hub are kept: the browser's storage, or a folder. */
export interface ModelStorage {
  /** Names the place where something does not fit, and says how to make room there. */
  readonly place: { readonly name: string; readonly remedy: string };
  /** The pieces of a model that is saved, whole or in part; null when nothing of it is. */
  find(wanted: WantedModel): Promise<{ manifest: SavedManifest; store: PieceStore } | null>;
  /** Where the pieces of a model go; made when there is none. @throws InputError when there is no room */
  open(model: ModelName): Promise<{ store: PieceStore; write(manifest: SavedManifest): Promise<void> }>;
  delete(model: ModelName): Promise<void>;
  /** All models that are kept, whole or in part. */
  list(): Promise<SavedModel[]>;
  /** Bytes that it would still take; null = it does not say. @param needed how many are wanted: fewer than these are told exactly */
  freeBytes(needed: number): Promise<number | null>;
}

/** Whether a saved model is the wanted one. */
export function isWanted(manifest: SavedManifest, wanted: WantedModel): boolean {
  if (manifest.hub !== wanted.hub || manifest.id !== wanted.id) return false;
  if (wanted.commit !== undefined) return wanted.commit === manifest.commit;
  return wanted.revision === manifest.revision || wanted.revision === manifest.commit;
}

/** A model as {@link ModelStorage.list} tells it. */
export async function savedModel(
  { files: _, ...rest }: SavedManifest,
  store: PieceStore,
): Promise<SavedModel> {
  return { ...rest, key: savedKey(rest), bytes: bytesIn(await store.list()) };
}

/** Names a saved model, whatever keeps it. */
export const savedKey = ({ hub, id, commit }: ModelName): string => `${hub} ${id} ${commit}`;

/** What is here of a saved model, where it is not simply all that there is. */
export function keptText({ complete, text }: Pick<SavedModel, "complete" | "text">): string {
  if (!complete) return text === "wanted" ? ", with text tower, incomplete" : ", incomplete";
  if (text === "whole") return ", with text tower";
  if (text === "wanted") return ", text tower incomplete";
  return text === "absent" ? ", without text tower" : "";
}
