/** Registers files that outlive the page, in the browser's Cache API: a few hundred kilobytes each. */

/** Bumped when what is written would be read otherwise. */
const CACHE = "regscope-registers-1";

/** Files that are kept of all models together: those of the last eight curations, which have three each. */
const MOST_FILES = 24;

/** Entries are named by addresses that no server answers. */
const ADDRESS = "https://saved.invalid/registers/";

/** A registers file and the id of the registers that it should hold. */
export interface KeptFile {
  readonly id: string;
  readonly file: Blob;
}

/** Where registers files are kept. What cannot be kept or read is left out, and nothing else is lost: it never throws. */
export interface RegistersFiles {
  /** Those of a model, the oldest first; they are not checked. @param model its sha256 */
  list(model: string): Promise<readonly KeptFile[]>;
  /** Keeps a file as the newest; the oldest beyond the bound give way. */
  keep(model: string, kept: KeptFile): Promise<void>;
  /** Drops a file, e.g. since it is damaged. */
  forget(model: string, id: string): Promise<void>;
}

/** The browser's storage for registers; on an insecure origin, or where the browser refuses, it keeps nothing. */
export function browserRegisters(): RegistersFiles {
  const addressOf = (model: string, id: string) => `${ADDRESS}${model}/${encodeURIComponent(id)}`;
  return {
    async list(model) {
      try {
        const cache = await caches.open(CACHE);
        const start = addressOf(model, "");
        // Entries come in the order in which they were put.
        const own = (await cache.keys()).filter(({ url }) => url.startsWith(start));
        const read = async (request: Request): Promise<KeptFile[]> => {
          const file = await (await cache.match(request))?.blob();
          return file ? [{ id: decodeURIComponent(request.url.slice(start.length)), file }] : [];
        };
        return (await Promise.all(own.map(read))).flat();
      } catch {
        return [];
      }
    },

    async keep(model, { id, file }) {
      try {
        const cache = await caches.open(CACHE);
        const address = addressOf(model, id);
        await cache.delete(address);
        await cache.put(address, new Response(file));
        const entries = await cache.keys();
        for (const oldest of entries.slice(0, Math.max(0, entries.length - MOST_FILES))) {
          await cache.delete(oldest);
        }
      } catch {
        // Refused or full: the registers are then gone after a reload, as without any storage.
      }
    },

    async forget(model, id) {
      try {
        await (await caches.open(CACHE)).delete(addressOf(model, id));
      } catch {
        // It stays, and is refused again when it is read.
      }
    },
  };
}
