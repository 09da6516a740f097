import type { Workbox } from "workbox-window";
import type { Lab } from "../store/lab.ts";
import type { LabState } from "../store/state.ts";
import { loadedFiles, siteFiles } from "./site-files.ts";
import { createUpdates, type Updates } from "./updates.ts";

/**
 * Keeps the site for use without a network: registers the service worker once both lanes have run and the page is idle,
 * and has it keep what this visit loaded. Without service workers (an insecure address, a refusal of the browser) nothing is kept.
 * @param workerFiles addresses of what the lab's worker has loaded
 */
export function keepSite(lab: Lab, workerFiles: () => Promise<readonly string[]>): Updates {
  const base = new URL("./", document.baseURI).href;
  let workbox: Workbox | null = null;
  let taking = false;
  const updates = createUpdates(base, () => {
    taking = true;
    workbox?.messageSkipWaiting();
  });
  // `npm start` builds in a mode of its own: what was just built must never be hidden by what was built before.
  if (import.meta.env.MODE !== "production" || !("serviceWorker" in navigator)) return updates;

  const register = async () => {
    const { Workbox } = await import("workbox-window");
    workbox = new Workbox(new URL("sw.js", base).href);
    workbox.addEventListener("waiting", () => updates.store.setState({ update: "ready" }));
    // Only the page whose user asked for it reloads.
    workbox.addEventListener("controlling", () => taking && window.location.reload());
    // What a page loads without the worker in between is kept by asking for it again, which the HTTP cache answers.
    const isFirst = !navigator.serviceWorker.controller;
    await workbox.register();
    if (!isFirst) return;
    const { active } = await navigator.serviceWorker.ready;
    const urlsToCache = siteFiles([...loadedFiles(), ...(await workerFiles())], base);
    active?.postMessage({ type: "CACHE_URLS", payload: { urlsToCache } });
  };
  afterRuns(lab, () =>
    register().catch((error: unknown) => console.warn("Not kept for offline use:", error)),
  );
  return updates;
}

/** Calls once, when both lanes have run for the first time and the page is idle. */
function afterRuns(lab: Lab, callback: () => void): void {
  const haveRun = ({ lanes }: LabState) =>
    lanes.baseline.state === "done" && lanes.intervention.state === "done";
  const unsubscribe = lab.store.subscribe((state) => {
    if (!haveRun(state)) return;
    unsubscribe();
    // Safari has no requestIdleCallback.
    if ("requestIdleCallback" in window) requestIdleCallback(callback, { timeout: 10_000 });
    else setTimeout(callback, 1_000);
  });
}
