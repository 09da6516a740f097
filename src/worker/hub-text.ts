import type { HubFiles } from "../hub/hub-files.ts";
import type { OnProgress } from "../hub/hub-weights.ts";
import type { TextPlans } from "../hub/plan-model.ts";
import type { TextTowerInfo } from "./api.ts";
import { hasherFor } from "./worker-hasher.ts";

/** The text tower of a loaded model that came from the Hub. */
export interface HubText {
  /** What of it is still there. */
  info(): TextTowerInfo;
  /**
   * Fetches it whole, or what any class list needs of it. Without a network what is here is enough for the latter.
   * @throws InputError, CancelledError; what arrived is kept
   */
  fetch(what: "whole" | "to classify", onProgress: OnProgress, signal: AbortSignal): Promise<void>;
}

/** @param plans null = it has no text tower that can be used; then nothing is to be fetched, and opening it says why */
export function hubText(files: HubFiles, plans: TextPlans | null): HubText | null {
  if (!plans) return null;
  const { alone, withoutTokens } = plans;
  const missing = (plan: TextPlans["alone"]) => Math.max(0, plan.bytes - files.kept(plan));
  return {
    info: () => ({ missing: missing(alone), missingToClassify: missing(withoutTokens) }),
    async fetch(what, onProgress, signal) {
      const isWhole = what === "whole";
      const plan = isWhole ? alone : withoutTokens;
      if (!isWhole && missing(plan) === 0) return;
      await files.checkRoom(plan);
      await files.fetch(plan, onProgress, signal, {
        hasher: hasherFor(files.weights.reduce((sum, { size }) => sum + size, 0)),
        text: isWhole ? "whole" : "part",
      });
      files.release();
    },
  };
}
