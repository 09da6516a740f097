import { browserRegisters } from "../cache/registers-files.ts";
import { InputError } from "../errors/input-error.ts";
import { unreachableFile } from "../errors/unreachable-file.ts";
import type { LabHost } from "../store/context.ts";

/** Keys of the texts that outlive the page begin so. */
const STORED = "regscope.";

/** The store's surroundings in a page. */
export function createBrowserHost(): LabHost {
  return {
    baseUrl: new URL("./", document.baseURI).href,
    backend: new URLSearchParams(window.location.search).get("backend"),
    async fetchFile(url) {
      const response = await fetch(url).catch((error: unknown) => {
        throw unreachableFile(url, error);
      });
      // Static hosts that serve one page for every path answer HTML for a missing file.
      const isPage = response.headers.get("content-type")?.startsWith("text/html");
      if (response.status === 404 || isPage) return null;
      if (!response.ok) throw new InputError(url, "the file", `HTTP ${response.status}`, "Reload the page.");
      return response.blob();
    },
    schedule(callback) {
      // A hidden page gets no animation frames, but its runs should still finish.
      if (document.visibilityState === "hidden") setTimeout(callback, 50);
      else requestAnimationFrame(callback);
    },
    readStored(name) {
      try {
        return localStorage.getItem(STORED + name);
      } catch {
        return null; // refused by the browser's settings
      }
    },
    writeStored(name, text) {
      try {
        localStorage.setItem(STORED + name, text);
      } catch {
        // Full or refused: an interrupted evaluation or search, a model's input size or the experiments' settings are then
        // forgotten, and nothing else is lost.
      }
    },
    registersFiles: browserRegisters(),
    readHash: () => window.location.hash,
    writeHash(hash) {
      history.replaceState(null, "", hash === "" ? window.location.pathname + window.location.search : hash);
    },
  };
}
