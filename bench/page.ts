import type { BenchWindow } from "./in-page.ts";

// Driven by bench/in-page.ts, which names a suite and waits for its measures.
const suites = import.meta.glob<{ measure(...args: unknown[]): Promise<unknown> }>("./*/measure.ts");

(window as unknown as BenchWindow).measure = async (suite, args) => {
  const load = suites[`./${suite}/measure.ts`];
  if (!load) throw new Error(`There is no bench ${suite}.`);
  return (await load()).measure(...args);
};
