/**
 * How many WASM threads really help here. Logical cores may be busy or shared, and then two threads are slower
 * than one; so the same small loop is timed alone and in parallel before ORT is set up (threads cannot be
 * changed afterwards).
 */

/** One unit of work, about 10 ms. Runs inside throw-away workers. */
const LOOP = `onmessage = () => {
  const started = performance.now();
  let x = 1;
  for (let i = 0; i < 4e6; i++) x = (x * 1.0000001 + i) % 1e6;
  postMessage({ milliseconds: performance.now() - started, x });
};`;

/** More threads than this bring little for one image (measured: 1.9x for 2). */
const MOST_THREADS = 4;
/** In parallel each loop may take this much longer than alone before the extra threads are not worth it. */
const TOLERATED_SLOWDOWN = 1.5;

/** Threads that ORT may use on so many cores: one without cross-origin isolation. */
export function threadsFor(cores: number): number {
  return globalThis.crossOriginIsolated ? cores : 1;
}

/** Number of cores that are free: the most loops that ran side by side. */
export async function calibrateCores(): Promise<number> {
  const most = Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1);
  if (most < 2) return 1;
  const url = URL.createObjectURL(new Blob([LOOP], { type: "text/javascript" }));
  const workers = Array.from({ length: most }, () => new Worker(url));
  try {
    await timeTogether(workers); // start-up and compilation
    const alone = await timeTogether(workers.slice(0, 1));
    for (let threads = most; threads > 1; threads--) {
      const together = await timeTogether(workers.slice(0, threads));
      if (together < TOLERATED_SLOWDOWN * alone) return threads;
    }
    return 1;
  } catch {
    return 1; // a host that forbids blob workers still works with one thread
  } finally {
    for (const worker of workers) worker.terminate();
    URL.revokeObjectURL(url);
  }
}

/** Slowest loop when all workers start at once, ms. */
async function timeTogether(workers: readonly Worker[]): Promise<number> {
  const times = workers.map(
    (worker) =>
      new Promise<number>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data.milliseconds);
        worker.onerror = reject;
        worker.postMessage(null);
      }),
  );
  return Math.max(...(await Promise.all(times)));
}
