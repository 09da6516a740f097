import type { StoreApi } from "zustand/vanilla";
import type { RegistersFiles } from "../cache/registers-files.ts";
import type { LabApi } from "../worker/api.ts";
import type { Message } from "./messages.ts";
import type { LabState } from "./state.ts";

/** What is kept as text: interrupted evaluations and searches; how models of the Hub were opened; what the experiments panel says. */
export type StoredText = "evaluations" | "searches" | "overrides" | "experiments";

/** What the store needs from its surroundings, so that it runs without a DOM. */
export interface LabHost {
  /** Base of all bundled files, absolute, with a trailing slash. */
  readonly baseUrl: string;
  /** `?backend=` of the address; null = not given. */
  readonly backend: string | null;
  /** A bundled file; null when it does not exist. */
  fetchFile(url: string): Promise<Blob | null>;
  /** Calls back soon, at most once a frame. */
  schedule(callback: () => void): void;
  readHash(): string;
  /** A text that outlives the page; null where there is none or the browser keeps nothing. */
  readStored(name: StoredText): string | null;
  /** Replaces a text, where the browser keeps any. */
  writeStored(name: StoredText, text: string): void;
  /** Where registers files outlive the page. */
  readonly registersFiles: RegistersFiles;
  writeHash(hash: string): void;
}

/** What every group of actions works with. */
export interface LabContext {
  readonly api: LabApi;
  readonly host: LabHost;
  readonly store: StoreApi<LabState>;
  say(kind: Message["kind"], text: string): void;
  /** Shows a failure; cancelled work is not one. */
  fail(error: unknown): void;
}
