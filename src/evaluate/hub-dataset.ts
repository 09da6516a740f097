import { z } from "zod";
import { CancelledError, InputError } from "../errors/input-error.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { ImageFile, LabelledSet } from "./dataset.ts";
import { seededOrder } from "./order.ts";

/** The Hub's own rows API (dataset-viewer). */
export const HUB_ROWS_API = "https://datasets-server.huggingface.co/";
/** Rows of one answer: the most that the API gives. */
const PAGE = 100;
/** Attempts at a request that the server is too busy for, and the longest wait between two, ms. */
const ATTEMPTS = 4;
const LONGEST_WAIT = 30_000;

/** Rows of an image data set of the Hub. */
export interface HubRequest {
  /** Base URL of a server that speaks the rows API; the Hub's own when absent. */
  readonly base?: string | undefined;
  /** E.g. "uoft-cs/cifar10". */
  readonly dataset: string;
  /** The data set's first when absent. */
  readonly config?: string | undefined;
  readonly split?: string | undefined;
  /** How many rows, in whole pages of 100 drawn with seed 0, so that a set sorted by class still gives a mixture. */
  readonly rows: number;
}

const splitsSchema = z.object({
  splits: z.array(z.object({ config: z.string(), split: z.string() })).min(1),
});
const pageSchema = z.object({
  features: z.array(
    z.object({
      name: z.string(),
      type: z.looseObject({ _type: z.string().optional(), names: z.array(z.string()).optional() }),
    }),
  ),
  rows: z.array(z.object({ row_idx: z.int().min(0), row: z.record(z.string(), z.unknown()) })),
  num_rows_total: z.int().min(0),
});
type Page = z.infer<typeof pageSchema>;
const imageSchema = z.object({ src: z.url() });
const labelSchema = z.int().min(0);

interface Row {
  readonly index: number;
  readonly src: string;
  readonly label: number;
}

export interface HubOptions {
  readonly decode: (file: ImageFile) => Promise<RgbaImage>;
  readonly signal?: AbortSignal;
  /** Waits; tests need not. */
  readonly wait?: (milliseconds: number) => Promise<void>;
}

/**
 * Opens an image data set through the Hub's rows API: its rows are listed now (labels, and where the images are), each
 * image is downloaded when it is asked for. Image and label columns are the first of type Image and ClassLabel.
 * @throws InputError for a missing or gated data set, one without such columns or without labels, a server that stays busy or
 *   answers anything else; CancelledError on abort
 */
export async function openHubSet(request: HubRequest, options: HubOptions): Promise<LabelledSet> {
  const { dataset } = request;
  const ask = requester(request, options);
  const { config, split } = await chooseSplit(request, ask);
  const page = (offset: number) =>
    ask("rows", { dataset, config, split, offset: String(offset), length: String(PAGE) }, pageSchema);

  const first = await page(0);
  const columns = findColumns(first, dataset);
  const offsets = seededOrder(Math.ceil(first.num_rows_total / PAGE), 0)
    .slice(0, Math.ceil(request.rows / PAGE))
    .map((at) => at * PAGE);
  const rows: Row[] = [];
  for (const offset of offsets)
    rows.push(...readRows(offset === 0 ? first : await page(offset), columns, dataset));
  rows.splice(request.rows);
  if (rows.length === 0) throw refuse(dataset, "at least one row", "none", "Choose another split.");

  const name = `${dataset} (${config}, ${split})`;
  const encoded = async (i: number): Promise<ImageFile> => {
    const row = rows[i]!;
    const file = `${name}, row ${row.index}`;
    const answer = await fetchImage(row.src, file, options);
    if (answer.ok) return { name: file, blob: await answer.blob() };
    // The addresses are signed for a while only: asked for again, the row has a fresh one.
    const offset = Math.floor(row.index / PAGE) * PAGE;
    const fresh = readRows(await page(offset), columns, dataset).find(({ index }) => index === row.index);
    if (fresh && fresh.src !== row.src) {
      rows[i] = fresh;
      const again = await fetchImage(fresh.src, file, options);
      if (again.ok) return { name: file, blob: await again.blob() };
    }
    throw refuse(file, "an image", `HTTP status ${answer.status}`, "Open the data set again.");
  };
  return {
    name,
    classes: columns.classes,
    count: rows.length,
    // Rows of one revision do not change; the total tells most revisions apart.
    fingerprint: JSON.stringify([request.base ?? HUB_ROWS_API, name, first.num_rows_total, rows.length]),
    label: (i) => rows[i]!.label,
    id: (i) => `${name}#${rows[i]!.index}`,
    encoded,
    image: async (i) => options.decode(await encoded(i)),
  };
}

type Ask = <T>(path: string, query: Readonly<Record<string, string>>, schema: z.ZodType<T>) => Promise<T>;

async function chooseSplit(
  { dataset, config, split }: HubRequest,
  ask: Ask,
): Promise<{ config: string; split: string }> {
  if (config && split) return { config, split };
  const { splits } = await ask("splits", { dataset }, splitsSchema);
  const fitting = splits.filter(
    (one) => (!config || one.config === config) && (!split || one.split === split),
  );
  // Without a choice, images that models were not trained on.
  const held = fitting.find((one) => /^(test|validation|val)/.test(one.split)) ?? fitting[0];
  if (held) return held;
  const known = splits.map((one) => `${one.config}/${one.split}`).join(", ");
  const got = `config "${config ?? "any"}", split "${split ?? "any"}"`;
  throw refuse(dataset, `one of ${known}`, got, "Choose one of these.");
}

interface Columns {
  readonly image: string;
  readonly label: string;
  readonly classes: readonly string[];
}

function findColumns({ features }: Page, dataset: string): Columns {
  const names = features.map(({ name, type }) => `${name} (${type._type ?? "?"})`).join(", ");
  const image = features.find(({ type }) => type._type === "Image");
  if (!image) throw refuse(dataset, "a column of images", names, "Choose an image classification data set.");
  const label = features.find(({ type }) => type._type === "ClassLabel" && (type.names?.length ?? 0) > 1);
  if (!label) {
    throw refuse(
      dataset,
      "a column of class labels (ClassLabel)",
      names,
      "Choose a classification data set.",
    );
  }
  return { image: image.name, label: label.name, classes: label.type.names! };
}

function readRows({ rows }: Page, columns: Columns, dataset: string): Row[] {
  return rows.map(({ row_idx: index, row }) => {
    const image = imageSchema.safeParse(row[columns.image]);
    const label = labelSchema.safeParse(row[columns.label]);
    if (image.success && label.success && label.data < columns.classes.length) {
      return { index, src: image.data.src, label: label.data };
    }
    const got = JSON.stringify({ label: row[columns.label], image: row[columns.image] })?.slice(0, 120);
    const remedy = "Choose a split with labels: test splits often come without.";
    throw refuse(`${dataset}, row ${index}`, "an image with a class label", got, remedy);
  });
}

/** Asks the rows API, waits where it says so, and explains what it refuses. */
function requester({ base = HUB_ROWS_API, dataset }: HubRequest, options: HubOptions): Ask {
  const wait = options.wait ?? ((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)));
  return async (path, query, schema) => {
    const url = new URL(path, base.endsWith("/") ? base : `${base}/`);
    url.search = new URLSearchParams(query).toString();
    for (let attempt = 1; ; attempt++) {
      const response = await request(url.href, url.host, options.signal);
      if (response.ok) return parse(response, schema, url.host);
      const { status } = response;
      const isBusy = status === 429 || status >= 500;
      if (!isBusy || attempt === ATTEMPTS) throw await explain(response, dataset, url.host);
      const seconds = Number(response.headers.get("retry-after")) || 2 ** attempt;
      await wait(Math.min(LONGEST_WAIT, seconds * 1000));
    }
  };
}

async function request(url: string, host: string, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(url, signal ? { signal } : {});
  } catch (cause) {
    if (signal?.aborted) throw new CancelledError("Opening the data set");
    const got = cause instanceof Error ? cause.message : String(cause);
    throw refuse(
      host,
      "a server that answers",
      got,
      "Check the address and the connection, or use a mirror.",
    );
  }
}

async function fetchImage(src: string, name: string, { signal }: HubOptions): Promise<Response> {
  return request(src, name, signal);
}

async function parse<T>(response: Response, schema: z.ZodType<T>, host: string): Promise<T> {
  const json = await response.json().catch(() => null);
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const remedy = "Check that the address is a server of the Hub's rows API.";
  throw refuse(host, "an answer of the rows API", z.prettifyError(parsed.error), remedy);
}

async function explain(response: Response, dataset: string, host: string): Promise<InputError> {
  const { status } = response;
  const body = z.object({ error: z.string() }).safeParse(await response.json().catch(() => null));
  const got = `HTTP status ${status}${body.success ? ` (${body.data.error})` : ""}`;
  if (status === 401 || status === 403) {
    const remedy = "Gated and private data sets cannot be read here: download it and open its folder.";
    return refuse(dataset, "a data set that is open to all", got, remedy);
  }
  if (status === 404 || status === 422) {
    return refuse(
      dataset,
      "a data set, config and split that exist",
      got,
      "Check their spelling on the Hub.",
    );
  }
  if (status === 429) return refuse(host, "an answer", `${got}: too many requests`, "Wait a few minutes.");
  return refuse(host, "an answer", got, "Try again later: the server may still be preparing this data set.");
}

const refuse = (subject: string, expected: string, got: string, remedy: string) =>
  new InputError(subject, expected, got, remedy);
