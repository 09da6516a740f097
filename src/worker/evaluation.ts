import type { Engine } from "../engine/types.ts";
import { InputError } from "../errors/input-error.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { evaluate } from "../evaluate/evaluate.ts";
import { collectFeatures } from "../evaluate/features.ts";
import { type Head, ownHead } from "../evaluate/head.ts";
import { nearestClassMean } from "../evaluate/probe.ts";
import type { EvaluationReport } from "../evaluate/report.ts";
import { openSheet } from "../evaluate/sheet-dataset.ts";
import { prepareImage } from "../image/preprocess.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { EvaluationRequest } from "./api.ts";
import { decodeImage } from "./decode.ts";

/** Fitted probes by engine and data set: fitting runs hundreds of images, and nothing but these changes it. */
const probes = new WeakMap<Engine, Map<string, Head>>();

/**
 * Evaluates the bundled labelled set in the browser. An encoder whose own classes are the set's is read by its
 * own head; any other one by a nearest-class-mean probe, fitted on the set's separate probe images.
 */
export async function* evaluateBundledSet(
  engine: Engine,
  request: EvaluationRequest,
  signal: AbortSignal,
): AsyncGenerator<EvaluationReport, void> {
  const prepare = (image: RgbaImage) => prepareImage(image, engine.spec.preprocess).pixels;
  const open = (file: string) => openSheet(reader(request.dataset, signal), decode, file);
  const set = await open("labels.json");
  const head = await headFor(engine, set, request.dataset, async () => {
    const probe = await open("probe.json");
    return nearestClassMean(await collectFeatures(engine, probe, { prepare, signal }));
  });
  const { configurations, limit, seed } = request;
  yield* evaluate(engine, set, configurations, head, { prepare, seed, limit, signal });
}

async function headFor(
  engine: Engine,
  set: LabelledSet,
  dataset: string,
  fitProbe: () => Promise<Head>,
): Promise<Head> {
  const { classNames } = engine.spec;
  if (classNames && set.classes.every((name) => classNames.includes(name))) {
    return ownHead(engine.spec, set.classes);
  }
  const fitted = probes.get(engine) ?? new Map<string, Head>();
  probes.set(engine, fitted);
  const head = fitted.get(dataset) ?? (await fitProbe());
  fitted.set(dataset, head);
  return head;
}

/** Reads files of the set's folder. */
function reader(folder: string, signal: AbortSignal) {
  return async (file: string): Promise<Uint8Array> => {
    const response = await fetch(new URL(file, folder), { signal });
    if (!response.ok) {
      const got = `HTTP status ${response.status}`;
      throw new InputError(`Labelled set, ${file}`, "a file of the data set", got, "Reload the page.");
    }
    return new Uint8Array(await response.arrayBuffer());
  };
}

const decode = (bytes: Uint8Array, name: string) => decodeImage(new Blob([bytes.slice()]), name);
