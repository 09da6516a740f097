import { CancelledError } from "../errors/input-error.ts";

/** Cancellable work by name: starting a job of a name cancels the one that still runs under it. */
export class Jobs {
  readonly #running = new Map<string, AbortController>();

  /** Runs `work`; when it was cancelled, whatever it throws becomes a CancelledError. */
  async run<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.cancel(name);
    const controller = new AbortController();
    this.#running.set(name, controller);
    try {
      return await work(controller.signal);
    } catch (error) {
      throw controller.signal.aborted ? new CancelledError(name) : error;
    } finally {
      if (this.#running.get(name) === controller) this.#running.delete(name);
    }
  }

  cancel(name: string): void {
    this.#running.get(name)?.abort();
  }
}
