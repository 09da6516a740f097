import { browserStorage, canSave } from "../cache/saved-models.ts";
import { freeBytes } from "../cache/storage-room.ts";
import { openCheckpoint } from "../checkpoint/shards.ts";
import { openEncoder } from "../families/index.ts";
import { type HubFiles, openHubFiles } from "../hub/hub-files.ts";
import { type HubRef, parseHubUrl } from "../hub/hub-ref.ts";
import type { WeightsPlan } from "../hub/hub-weights.ts";
import { planModel, type TextPlans } from "../hub/plan-model.ts";
import type { DownloadCheck, ModelOffer, TextOffer } from "./api.ts";

/**
 * What is known of a model of the Hub before its weights are fetched; reads the list of files, the config and the header.
 * @throws InputError when it is not there, not open to everyone, or not an encoder that can be opened; CancelledError
 */
export async function lookUpModel(ref: HubRef, signal: AbortSignal): Promise<ModelOffer> {
  const files = await openHubFiles({ ...ref, hub: parseHubUrl(ref.hub) }, browserStorage(), false, signal);
  const safetensors = await openCheckpoint(files.weights, files.index);
  const { spec } = openEncoder(safetensors, files.configs);
  const { encoder, text, textRefusal } = await planModel(files, safetensors, (view) =>
    openEncoder(view, files.configs),
  );
  const { hub, id, revision, commit, licence } = files.repository;
  const all = text?.withEncoder ?? encoder;
  return {
    hub,
    id,
    revision,
    commit,
    licence,
    spec,
    bytes: encoder.bytes,
    kept: keptOf(files, encoder),
    fileBytes: safetensors.size,
    check: checkOf(files, encoder),
    text: text && textOffer(files, text),
    textRefusal,
    room: await freeBytes(all.bytes - keptOf(files, all)),
    canSave: canSave(),
  };
}

function textOffer(files: HubFiles, { alone }: TextPlans): TextOffer {
  const said = files.saved?.text;
  return {
    bytes: alone.bytes,
    kept: keptOf(files, alone),
    check: checkOf(files, alone),
    isWanted: said === "wanted" || said === "whole",
  };
}

/** Bytes that are saved; what a mere look has read is not. */
const keptOf = (files: HubFiles, plan: WeightsPlan) => (files.saved ? files.kept(plan) : 0);

const checkOf = (files: HubFiles, { isWhole }: WeightsPlan): DownloadCheck =>
  files.statesSha256 ? (isWhole ? "whole" : "part") : "none";
