import { InputError } from "../errors/input-error.ts";

/** Where a model lies: a repository of the Hub or of a mirror that speaks its protocol, at a revision. */
export interface HubRef {
  /** Base URL without a trailing slash, e.g. `https://huggingface.co`. */
  readonly hub: string;
  /** `owner/name`, or a bare name of the Hub's early models. */
  readonly id: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

export const HUGGING_FACE = "https://huggingface.co";

const ID = /^[\w][\w.-]*(\/[\w][\w.-]*)?$/;
const REVISION = /^[\w][\w./-]*$/;

/**
 * Reads what a user typed: `owner/name`, `owner/name@revision`, or the address of the repository's page.
 * @param hub base URL of the Hub or a mirror; the address's own host wins over it.
 * @throws InputError
 */
export function parseHubRef(text: string, hub: string = HUGGING_FACE): HubRef {
  const typed = text.trim();
  if (/^https?:/i.test(typed)) return fromAddress(typed);
  const [id = "", revision = "main", ...more] = typed.split("@");
  const valid = ID.test(id) && !id.includes("..") && REVISION.test(revision) && more.length === 0;
  if (!valid) throw invalid(typed);
  return { hub: parseHubUrl(hub), id, revision };
}

function fromAddress(address: string): HubRef {
  if (!URL.canParse(address)) throw invalid(address);
  const url = new URL(address);
  const [owner = "", name = "", kind, ...rest] = url.pathname.split("/").filter((part) => part !== "");
  const revision = kind === "tree" || kind === "blob" ? rest[0] : kind === undefined ? "main" : undefined;
  const id = `${owner}/${name}`;
  if (!ID.test(id) || name === "" || revision === undefined || !REVISION.test(revision))
    throw invalid(address);
  return { hub: url.origin, id, revision: decodeURIComponent(revision) };
}

function invalid(typed: string): InputError {
  return new InputError(
    "Model id",
    "owner/name, owner/name@revision or the address of a model's page",
    typed === "" ? "nothing" : `"${typed.slice(0, 120)}"`,
    "For example timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k.",
  );
}

/**
 * Base URL of the Hub or a mirror, without a trailing slash.
 * @throws InputError when it is not an http or https address
 */
export function parseHubUrl(text: string): string {
  const typed = text.trim();
  const url = URL.canParse(typed) ? new URL(typed) : null;
  if (url && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "" && url.username === "") {
    return url.href.replace(/\/+$/, "");
  }
  const remedy = `For example ${HUGGING_FACE} or the address of a mirror that speaks the same protocol.`;
  throw new InputError("Address of the Hub", "an http or https address", `"${typed.slice(0, 120)}"`, remedy);
}

/** `owner/name`, and the revision unless it is the default one. */
export function refText({ id, revision }: Pick<HubRef, "id" | "revision">): string {
  return revision === "main" ? id : `${id}@${revision}`;
}
