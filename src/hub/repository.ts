import { listFiles, modelInfo } from "@huggingface/hub";
import { z } from "zod";
import { InputError } from "../errors/input-error.ts";
import type { Fetch } from "./hub-fetch.ts";
import { type HubRef, refText } from "./hub-ref.ts";

/** A file of a repository at a commit. */
export interface RepositoryFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Of the whole file, hex: what Git LFS names it by. Null = the Hub states none (small text files). */
  readonly sha256: string | null;
}

/** What the Hub says about a repository; its revision is resolved to one commit. */
export interface Repository extends HubRef {
  /** 40 hex digits. All files are read at this commit, whatever happens to the branch meanwhile. */
  readonly commit: string;
  /** As the model card states it, e.g. "mit"; null = it states none. */
  readonly licence: string | null;
  /** Files may only be read by those who accepted terms. */
  readonly gated: boolean;
  /** Files in the repository's root. */
  readonly files: readonly RepositoryFile[];
}

const sha = z.string().regex(/^[0-9a-f]{40}$/);
const infoSchema = z.object({
  sha,
  gated: z.union([z.boolean(), z.string()]).optional(),
  cardData: z
    .object({
      license: z.union([z.string(), z.array(z.string())]).nullish(),
      license_name: z.string().nullish(),
    })
    .nullish()
    .catch(null),
  tags: z.array(z.string()).nullish().catch(null),
});
const fileSchema = z.object({
  type: z.string(),
  path: z.string(),
  size: z.int().nonnegative(),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().nonnegative() }).optional(),
});

/** More files than any model repository has in its root; keeps a hostile server from an endless list. */
const MOST_FILES = 5000;

/**
 * Asks the Hub for a repository: its commit, licence and files.
 * @param fetch from `hubFetch`, so that refusals are InputErrors
 * @throws InputError
 */
export async function openRepository(ref: HubRef, fetch: Fetch): Promise<Repository> {
  const { hub, id, revision } = ref;
  const answer = await modelInfo({
    name: id,
    revision,
    hubUrl: hub,
    fetch,
    additionalFields: ["sha", "cardData", "tags"],
  }).catch((error: unknown) => {
    throw notTheProtocol(ref, error);
  });
  const info = checked(ref, infoSchema, answer);
  const files: RepositoryFile[] = [];
  const entries = listFiles({ repo: { type: "model", name: id }, revision: info.sha, hubUrl: hub, fetch });
  try {
    for await (const entry of entries) {
      const { type, path, size, lfs } = checked(ref, fileSchema, entry);
      if (type === "file") files.push({ path, size: lfs?.size ?? size, sha256: lfs?.oid ?? null });
      if (files.length > MOST_FILES) {
        throw new InputError(
          refText(ref),
          `at most ${MOST_FILES} files`,
          "more",
          "Choose a model repository.",
        );
      }
    }
  } catch (error) {
    throw notTheProtocol(ref, error);
  }
  return { ...ref, commit: info.sha, licence: licenceOf(info), gated: Boolean(info.gated), files };
}

/** Address of a file at the repository's commit; it redirects to where the bytes lie. */
export function fileUrl(
  { hub, id, commit }: Pick<Repository, "hub" | "id" | "commit">,
  path: string,
): string {
  return `${hub}/${id}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

function licenceOf({ cardData, tags }: z.infer<typeof infoSchema>): string | null {
  const stated =
    cardData?.license ?? tags?.find((tag) => tag.startsWith("license:"))?.slice("license:".length);
  const text = typeof stated === "string" ? stated : stated?.join(", ");
  if (text === "other" && cardData?.license_name) return cardData.license_name;
  return text ? text : null;
}

function checked<T>(ref: HubRef, schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw notTheProtocol(ref, new Error(`${path.join(".")}: ${message}`));
}

/** What our fetch refused stays as it is; what the library could not read is not the Hub's protocol. */
function notTheProtocol(ref: HubRef, error: unknown): unknown {
  if (error instanceof InputError || (error instanceof Error && error.name === "CancelledError"))
    return error;
  return new InputError(
    refText(ref),
    `answers of the Hub's protocol from ${ref.hub}`,
    error instanceof Error ? error.message.slice(0, 200) : String(error),
    "Check the address of the Hub or mirror.",
  );
}
