/** Longest time without a breath, ms: what a message to a busy worker waits at most, beside the block that runs. */
const INTERVAL = 50;

/**
 * Makes a function that lets waiting messages in, where it has not for a while. ORT on WASM computes inside its promises, so a chain of
 * runs never returns to the event loop by itself: a worker that evaluates would hear neither that it is cancelled nor that a user
 * wants something else.
 */
export function createBreath(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < INTERVAL) return;
    await nextTask();
    last = performance.now();
  };
}

/** A turn of the event loop. Not by setTimeout, which browsers hold back for 4 ms after a few in a row. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
