import type { EngineMeasures } from "./measures.ts";

/** Runs the engine bench in its worker. */
export function measure(rounds: number): Promise<EngineMeasures> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data.measures));
    worker.onerror = (event) => reject(new Error(event.message || "The worker failed."));
    worker.postMessage({ rounds });
  });
}
