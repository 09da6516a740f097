import { CancelledError } from "../errors/input-error.ts";

/** Cancellable work by name: starting a job of a name cancels what still runs under it. */
export class Jobs {
  readonly #running = new Map<string, Set<AbortController>>();

  /** Runs `work`; when it was cancelled, whatever it throws becomes a CancelledError. */
  run<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.cancel(name);
    return this.runBeside(name, work);
  }

  /** The same, but what still runs under the name goes on; they are cancelled together. */
  async runBeside<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const running = this.#running.get(name) ?? new Set();
    this.#running.set(name, running.add(controller));
    try {
      return await work(controller.signal);
    } catch (error) {
      throw controller.signal.aborted ? new CancelledError(name) : error;
    } finally {
      running.delete(controller);
    }
  }

  cancel(name: string): void {
    for (const controller of this.#running.get(name) ?? []) controller.abort();
  }
}
