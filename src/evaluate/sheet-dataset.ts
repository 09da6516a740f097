import { z } from "zod";
import { InputError } from "../errors/input-error.ts";
import type { RgbaImage } from "../image/rgba-image.ts";
import type { LabelledSet } from "./dataset.ts";

const fileName = z.string().regex(/^[\w.-]+$/, "a plain file name");

/** labels.json of a sheet: what the tiles are. */
const sheetSchema = z
  .object({
    name: z.string().min(1),
    version: z.union([z.string(), z.number()]),
    licence: z.string().min(1),
    /** Side of one square tile, pixels. */
    tile: z.int().min(1).max(4096),
    columns: z.int().min(1).max(4096),
    count: z.int().min(1),
    classes: z.array(z.string().min(1)).min(2),
    /** Class index of each tile, row by row. */
    labels: z.array(z.int().min(0)),
    images: fileName,
    masks: fileName.optional(),
  })
  .refine((sheet) => sheet.labels.length === sheet.count, "labels must hold one label per tile (count)")
  .refine(
    (sheet) => sheet.labels.every((label) => label < sheet.classes.length),
    "every label must be an index into classes",
  );

/**
 * Opens a labelled set that lies in one sheet of square tiles (row by row, `columns` a row) with a JSON
 * file beside it. The sheet is decoded once; images are cut from it.
 * @param read a file of the set's folder, by name
 * @param decode an image file -> RGBA
 * @param file the JSON file, `labels.json` or `probe.json`
 * @throws InputError when the JSON does not describe the sheet
 */
export async function openSheet(
  read: (file: string) => Promise<Uint8Array>,
  decode: (bytes: Uint8Array, name: string) => Promise<RgbaImage>,
  file = "labels.json",
): Promise<LabelledSet> {
  const meta = parseSheet(await read(file), file);
  const sheet = await decode(await read(meta.images), meta.images);

  const width = Math.min(meta.columns, meta.count) * meta.tile;
  const height = Math.ceil(meta.count / meta.columns) * meta.tile;
  if (sheet.width < width || sheet.height < height) {
    throw new InputError(
      meta.images,
      `at least ${width} x ${height} pixels, as ${file} says`,
      `${sheet.width} x ${sheet.height}`,
      "Put the sheet and the JSON file of the same version side by side.",
    );
  }

  const tile = (of: RgbaImage, i: number) =>
    cut(of, (i % meta.columns) * meta.tile, Math.floor(i / meta.columns) * meta.tile, meta.tile);
  let masks: Promise<RgbaImage> | null = null;
  const { masks: maskSheet } = meta;
  return {
    name: meta.name,
    classes: meta.classes,
    count: meta.count,
    label: (i) => meta.labels[i]!,
    id: (i) => `${meta.name}@${meta.version}/${file}#${i}`,
    image: async (i) => tile(sheet, i),
    ...(maskSheet !== undefined && {
      mask: async (i: number) => {
        masks ??= read(maskSheet).then((bytes) => decode(bytes, maskSheet));
        return tile(await masks, i);
      },
    }),
  };
}

function parseSheet(bytes: Uint8Array, file: string): z.infer<typeof sheetSchema> {
  const remedy = "Use the file that training/ writes beside the sheet.";
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new InputError(file, "JSON", error instanceof Error ? error.message : String(error), remedy);
  }
  const parsed = sheetSchema.safeParse(json);
  if (!parsed.success) {
    throw new InputError(file, "a labelled sheet's description", z.prettifyError(parsed.error), remedy);
  }
  return parsed.data;
}

/** Square of side `side` at (left, top) of an image, copied. */
function cut(image: RgbaImage, left: number, top: number, side: number): RgbaImage {
  const data = new Uint8ClampedArray(side * side * 4);
  for (let y = 0; y < side; y++) {
    const start = ((top + y) * image.width + left) * 4;
    data.set(image.data.subarray(start, start + side * 4), y * side * 4);
  }
  return { width: side, height: side, data };
}
