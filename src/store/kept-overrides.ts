import { z } from "zod";
import type { ModelOverrides, ModelRequest } from "../worker/api.ts";
import type { LabHost } from "./context.ts";

type Storage = Pick<LabHost, "readStored" | "writeStored">;

const KEY = "overrides";
/** Models whose overrides are kept, the last used ones. */
const MOST = 50;

const storedSchema = z.array(
  z.object({
    model: z.string(),
    overrides: z.object({
      normalisation: z.enum(["half", "imagenet"]).nullish(),
      layerNormEps: z.number().nullish(),
      inputSize: z.int().positive().nullish(),
    }),
  }),
);

/** Models of the Hub have a name to keep overrides by; files and the bundled encoder have none. */
const nameOf = (request: ModelRequest) =>
  request.kind === "hub" ? JSON.stringify([request.hub, request.id, request.revision]) : null;

/** The request with the overrides that its model was last opened with, unless it states its own. */
export function withKeptOverrides(storage: Storage, request: ModelRequest): ModelRequest {
  const model = nameOf(request);
  if (model === null || request.kind !== "hub" || request.overrides) return request;
  const kept = read(storage).find((entry) => entry.model === model);
  return kept ? { ...request, overrides: kept.overrides as ModelOverrides } : request;
}

/** Keeps what a model was opened with. */
export function keepOverrides(storage: Storage, request: ModelRequest): void {
  const model = nameOf(request);
  if (model === null || request.kind !== "hub" || !request.overrides) return;
  const others = read(storage).filter((entry) => entry.model !== model);
  storage.writeStored(
    KEY,
    JSON.stringify([{ model, overrides: request.overrides }, ...others].slice(0, MOST)),
  );
}

/** Nothing where the stored text is not what was written. */
function read(storage: Storage): z.infer<typeof storedSchema> {
  try {
    return storedSchema.parse(JSON.parse(storage.readStored(KEY) ?? "[]"));
  } catch {
    return [];
  }
}
