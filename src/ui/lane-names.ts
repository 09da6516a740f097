import type { Lane } from "../worker/api.ts";

/** Names of the lanes, for people. */
export const LANE_NAMES: Readonly<Record<Lane, string>> = {
  baseline: "Baseline",
  intervention: "Intervention",
};
