import type { Runtime } from "./runtime.ts";
import type { Engine, RunOptions } from "./types.ts";

/**
 * A runtime whose sessions are built and run in an engine's queue, between the encoder's own runs: ORT must never see two
 * at once.
 */
export function queuedRuntime(runtime: Runtime, engine: Engine, options: RunOptions = {}): Runtime {
  return {
    ...runtime,
    async createSession(model, memory) {
      const session = await engine.exclusive(() => runtime.createSession(model, memory), options);
      return {
        run: (feeds, fetches) => engine.exclusive(() => session.run(feeds, fetches), options),
        release: () => session.release(),
      };
    },
  };
}
