import type { PieceStore } from "../cache/piece-store.ts";
import { RangedFile } from "../cache/ranged-file.ts";
import { type Fetch, hubFetch } from "./hub-fetch.ts";
import { refText } from "./hub-ref.ts";
import { type KnownEtags, requestRange } from "./range-request.ts";
import type { Repository } from "./repository.ts";

/** The files of a repository at its commit, opened by path; what is read of them is kept in one store. */
export class RepositoryFiles {
  readonly #etags: KnownEtags = new Map();
  readonly #open = new Map<string, Promise<RangedFile>>();

  constructor(
    readonly repository: Repository,
    private readonly store: PieceStore,
    private readonly fetch?: Fetch,
  ) {}

  has(path: string): boolean {
    return this.repository.files.some((file) => file.path === path);
  }

  /** The file, of which nothing is fetched yet; null when the repository has none of this path. */
  async open(path: string): Promise<RangedFile | null> {
    const file = this.repository.files.find((candidate) => candidate.path === path);
    if (!file) return null;
    const subject = refText(this.repository);
    const opening =
      this.#open.get(path) ??
      RangedFile.open(file, this.store, (begin, end, signal) => {
        const fetch = hubFetch({ subject, signal, fetch: this.fetch });
        return requestRange(this.repository, file, begin, end, fetch, this.#etags);
      });
    this.#open.set(path, opening);
    return opening;
  }

  /** The file as text; null when there is none. */
  async text(path: string): Promise<string | null> {
    return (await this.open(path))?.text() ?? null;
  }
}
