import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createBreath } from "./breathe.ts";

/** Work that never returns to the event loop by itself, as ORT's on WASM. */
async function busy(rounds: number, breathe: () => Promise<void>): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    const until = performance.now() + 5;
    while (performance.now() < until);
    await breathe();
  }
}

let said: number;
beforeEach(() => {
  said = 0;
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function say(): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    said = performance.now();
    port1.close();
  };
  port2.postMessage("cancel");
}

test.each([
  ["Node", globalThis.setImmediate],
  ["a browser", undefined],
])("a message is heard while work goes on, in %s", async (_, setImmediate) => {
  vi.stubGlobal("setImmediate", setImmediate);
  const started = performance.now();
  say();
  await busy(100, createBreath());
  const ended = performance.now();
  expect(said).toBeGreaterThan(0);
  expect(said - started).toBeLessThan((ended - started) / 2);
});

test("without a breath it is not: what the others guard against is real", async () => {
  say();
  await busy(20, async () => {});
  expect(said).toBe(0);
});
