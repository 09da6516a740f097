import { blobSource } from "../checkpoint/byte-source.ts";
import { InputError } from "../errors/input-error.ts";
import { requireSameClasses } from "../evaluate/classes.ts";
import type { LabelledSet } from "../evaluate/dataset.ts";
import { openFileSet, openUnlabelledFiles } from "../evaluate/file-dataset.ts";
import { HUB_ROWS_API, openHubSet } from "../evaluate/hub-dataset.ts";
import { openSheet } from "../evaluate/sheet-dataset.ts";
import { holdOut } from "../evaluate/split.ts";
import { listZip } from "../evaluate/zip-files.ts";
import type { DatasetInfo, DatasetRequest, ImageSource } from "./api.ts";
import { decodeImage } from "./decode.ts";
import { fetchSiteFile } from "./site-file.ts";

/** A labelled set and the images that a probe may be fitted on. */
export interface OpenDataset {
  readonly info: DatasetInfo;
  /** For the own head. */
  readonly whole: LabelledSet;
  /**
   * Images to learn from, with or without labels, and test images; they share none. Where they are held out, a probe may lack a
   * class that has a single image.
   */
  probeParts(): Promise<ProbeParts>;
  /** The set without the fifth of each class that is held out where there is no training set. */
  withoutFifth(): LabelledSet;
}

export interface ProbeParts {
  readonly probe: LabelledSet;
  readonly test: LabelledSet;
  /** Where the probe's images come from, for the report. */
  readonly origin: string;
}

/** Seed of the images that are held out where no training set is given. */
const SPLIT_SEED = 0;

/**
 * Opens the images of a data set: reads what there is, not the images themselves.
 * @throws InputError when the files are not a labelled set, or the training set has other classes
 */
export async function openDataset(request: DatasetRequest, id: string): Promise<OpenDataset> {
  const whole = await openSource(request.images);
  const train = request.probe && (await openSource(request.probe));
  if (train) requireSameClasses(whole, train);
  const { images } = request;
  const parts = async (): Promise<ProbeParts> => {
    if (train) return { probe: train, test: whole, origin: train.name };
    if (images.kind === "sheet") {
      const probe = await openSheet(reader(images.url), decodeBytes, "probe.json");
      return { probe, test: whole, origin: probe.name };
    }
    const origin = `a fifth of each class of ${whole.name}, held out with seed ${SPLIT_SEED}`;
    return { ...holdOut(whole, SPLIT_SEED), origin };
  };
  // Opened once: those of the bundled set are a sheet to decode.
  let opened: Promise<ProbeParts> | null = null;
  return {
    whole,
    withoutFifth: () => holdOut(whole, SPLIT_SEED).test,
    info: {
      id,
      name: whole.name,
      classes: whole.classes,
      count: whole.count,
      fingerprint: fingerprintOf(whole, train),
    },
    probeParts: () => {
      opened ??= parts().catch((error) => {
        opened = null; // may do another time: it is asked for over the network
        throw error;
      });
      return opened;
    },
  };
}

/** Of both parts: the probe's images decide the head, and so the numbers. */
function fingerprintOf(whole: LabelledSet, train: LabelledSet | null): string | null {
  if (whole.fingerprint === undefined || (train && train.fingerprint === undefined)) return null;
  return train ? `${whole.fingerprint}+${train.fingerprint}` : whole.fingerprint;
}

/**
 * Opens images that need no labels: those of a folder or archive wherever in it they lie, else those of a labelled set.
 * @throws InputError when there are none
 */
export function openImages(source: ImageSource): Promise<LabelledSet> {
  return openSource(source, openUnlabelledFiles);
}

async function openSource(source: ImageSource, openFiles = openFileSet): Promise<LabelledSet> {
  const decode = ({ blob, name }: { blob: Blob; name: string }) => decodeImage(blob, name);
  switch (source.kind) {
    case "sheet":
      return openSheet(reader(source.url), decodeBytes, "labels.json");
    case "files": {
      const files = source.files.map(({ path, file }) => ({ path, size: file.size, blob: async () => file }));
      return openFiles({ name: source.name, files, folders: source.folders }, decode);
    }
    case "hub":
      if (!URL.canParse(source.request.base ?? HUB_ROWS_API)) {
        const remedy = `Leave it at ${HUB_ROWS_API}, or name a mirror.`;
        throw new InputError("Server of the rows API", "an http address", `"${source.request.base}"`, remedy);
      }
      return openHubSet(source.request, { decode });
    case "zip": {
      const listing = await listZip(blobSource(source.file, source.file.name));
      const files = listing.files.map((file) => ({
        ...file,
        blob: async () => new Blob([await file.read()]),
      }));
      return openFiles({ ...listing, files }, decode);
    }
  }
}

/** Reads files of the bundled set's folder. */
function reader(folder: string) {
  return async (file: string): Promise<Uint8Array> => {
    const response = await fetchSiteFile(new URL(file, folder));
    if (!response.ok) {
      const got = `HTTP status ${response.status}`;
      throw new InputError(`Labelled set, ${file}`, "a file of the data set", got, "Reload the page.");
    }
    return new Uint8Array(await response.arrayBuffer());
  };
}

const decodeBytes = (bytes: Uint8Array, name: string) => decodeImage(new Blob([bytes.slice()]), name);
