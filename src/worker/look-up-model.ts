import { browserStorage, canSave } from "../cache/saved-models.ts";
import { freeBytes } from "../cache/storage-room.ts";
import { openCheckpoint } from "../checkpoint/shards.ts";
import { openEncoder } from "../families/index.ts";
import { planReads } from "../families/read-plan.ts";
import { openHubFiles } from "../hub/hub-files.ts";
import { type HubRef, parseHubUrl } from "../hub/hub-ref.ts";
import type { ModelOffer } from "./api.ts";

/**
 * What is known of a model of the Hub before its weights are fetched; reads the list of files, the config and the header.
 * @throws InputError when it is not there, not open to everyone, or not an encoder that can be opened; CancelledError
 */
export async function lookUpModel(ref: HubRef, signal: AbortSignal): Promise<ModelOffer> {
  const files = await openHubFiles({ ...ref, hub: parseHubUrl(ref.hub) }, browserStorage(), false, signal);
  const safetensors = await openCheckpoint(files.weights, files.index);
  const { spec } = openEncoder(safetensors, files.configs);
  const plan = files.plan(await planReads(safetensors, (view) => openEncoder(view, files.configs)));
  const { hub, id, revision, commit, licence } = files.repository;
  const kept = files.saved ? files.kept(plan) : 0;
  return {
    hub,
    id,
    revision,
    commit,
    licence,
    spec,
    bytes: plan.bytes,
    kept,
    fileBytes: safetensors.size,
    check: files.statesSha256 ? (plan.isWhole ? "whole" : "part") : "none",
    room: await freeBytes(plan.bytes - kept),
    canSave: canSave(),
  };
}
