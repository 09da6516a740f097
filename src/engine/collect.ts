import type { LayerTrace, RunResult } from "../trace/layer-trace.ts";

/** Runs to the end, collecting the traces. */
export async function collect(
  run: AsyncGenerator<LayerTrace, RunResult>,
): Promise<{ traces: LayerTrace[]; result: RunResult }> {
  const traces: LayerTrace[] = [];
  for (;;) {
    const step = await run.next();
    if (step.done) return { traces, result: step.value };
    traces.push(step.value);
  }
}
