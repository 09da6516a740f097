import PQueue from "p-queue";
import { throwIfCancelled } from "../errors/input-error.ts";

/** Items that may be under way or wait to be handed out, per worker: enough that no worker idles. */
const AHEAD = 4;

/**
 * Spreads items over workers, each of which does one at a time, and yields the results in the items' own order,
 * whichever worker finishes first: what follows is the same for any number of workers.
 * @throws what `work` throws for the first item that fails; CancelledError on abort
 */
export async function* runInOrder<Item, Worker, Result>(
  items: Iterable<Item>,
  workers: readonly Worker[],
  work: (worker: Worker, item: Item, signal: AbortSignal) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<Result, void> {
  const idle = [...workers];
  const queue = new PQueue({ concurrency: workers.length });
  // Ends what is under way when the consumer stops early.
  const stop = new AbortController();
  const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const window: Promise<Result>[] = [];
  const start = (item: Item) => {
    const result = queue.add(async () => {
      throwIfCancelled(both, "The evaluation");
      const worker = idle.pop()!;
      try {
        return await work(worker, item, both);
      } finally {
        idle.push(worker);
      }
    });
    result.catch(() => {}); // it is awaited below, in order, unless an earlier one fails
    window.push(result);
  };
  try {
    for (const item of items) {
      start(item);
      if (window.length >= AHEAD * workers.length) yield await window.shift()!;
    }
    while (window.length > 0) yield await window.shift()!;
  } finally {
    stop.abort();
    queue.clear();
  }
}
