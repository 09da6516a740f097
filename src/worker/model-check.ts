import { CancelledError } from "../errors/input-error.ts";
import type { WeightsCheck } from "../hub/hub-files.ts";
import type { Progress } from "./api.ts";

type Tell = (progress: Progress) => void;

/** The check of a model's bytes, which goes on while the model is in use. */
export class ModelCheck {
  readonly #stop = new AbortController();
  readonly #listeners = new Set<Tell>();
  readonly #done: Promise<void>;

  /** @param check null = the model was checked, as far as it can be, before it was opened */
  constructor(check: WeightsCheck | null) {
    const tellAll: Tell = (progress) => {
      for (const tell of this.#listeners) tell(progress);
    };
    this.#done = check ? check(tellAll, this.#stop.signal) : Promise.resolve();
    this.#done.catch(() => {}); // thrown to whoever waits
  }

  /**
   * Resolves when the bytes are known to be right.
   * @throws InputError when they were damaged on the way; CancelledError on abort and after `stop`
   */
  async wait(signal?: AbortSignal, tell?: Tell): Promise<void> {
    if (tell) this.#listeners.add(tell);
    let cancel = () => {};
    const cancelled = new Promise<never>((_, reject) => {
      cancel = () => reject(new CancelledError("Checking the model"));
      signal?.addEventListener("abort", cancel, { once: true });
    });
    try {
      await Promise.race([this.#done, cancelled]);
    } finally {
      signal?.removeEventListener("abort", cancel);
      if (tell) this.#listeners.delete(tell);
    }
  }

  /** Of a model that is no longer wanted; what is saved of it is checked when it is opened again. */
  stop(): void {
    this.#stop.abort();
  }
}
