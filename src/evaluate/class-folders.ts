import { ascending } from "d3-array";
import { createSHA256 } from "hash-wasm";
import { InputError } from "../errors/input-error.ts";

/** A file of a folder or archive, listed but not read. */
export interface ListedFile {
  /** From the root of the folder or archive, with "/" between its parts. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** Everything under a root. */
export interface Listing<F extends ListedFile> {
  /** For messages and reports. */
  readonly name: string;
  readonly files: readonly F[];
  /** Paths of folders, where they are known: this is how an empty class is noticed. */
  readonly folders: readonly string[];
}

/** Images by class. */
export interface ClassFolders<F extends ListedFile> {
  readonly classes: readonly string[];
  readonly items: readonly { readonly file: F; readonly label: number }[];
  /** Digest of the images' class, file name and size: equal for equal contents wherever they lie. */
  readonly fingerprint: string;
}

const IMAGE = /\.(jpe?g|png|webp|avif|gif|bmp)$/i;
const IMAGES = "at least one image (.jpg, .png, .webp, .avif, .gif, .bmp)";
const FORM = "a folder that holds one folder of images per class";

const isImage = ({ path }: ListedFile) => IMAGE.test(path) && !isHidden(path);

/** Whether a path names something that tools leave behind (.DS_Store, __MACOSX, ._image.png). */
const isHidden = (path: string) =>
  path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX");

/**
 * Sorts a listing of class-named folders into a labelled set. The class folders may lie in one outer folder, as
 * archives often have it. Classes are sorted by name and images by file name (by code unit, so the order is
 * the same everywhere); hidden files, other file types and deeper folders are ignored.
 * @throws InputError when there are no images, no class folders, or a class holds no images
 */
export async function sortIntoClasses<F extends ListedFile>(listing: Listing<F>): Promise<ClassFolders<F>> {
  const { name } = listing;
  const images = listing.files.filter(isImage);
  const folders = listing.folders.filter((path) => path !== "" && !isHidden(path));
  if (images.length === 0 && folders.length === 0) {
    const got = listing.files.length === 0 ? "no folder inside" : `${listing.files.length} files, no image`;
    throw new InputError(name, FORM, got, "Sort the images into one folder per class.");
  }
  const root = outerFolder(images.map(({ path }) => path));
  const byClass = new Map<string, F[]>();
  for (const folder of folders) {
    const [label, ...deeper] = within(root, folder);
    if (label !== undefined && deeper.length === 0) byClass.set(label, []);
  }
  for (const file of images) {
    const [label, base, ...deeper] = within(root, file.path);
    if (label === undefined || base === undefined || deeper.length > 0) continue;
    const list = byClass.get(label);
    if (list) list.push(file);
    else byClass.set(label, [file]);
  }
  const deeper = nestedFolders(listing, root);
  if (deeper.length > 0 && [...byClass.values()].every((files) => files.length === 0)) {
    const got = `folders of folders: ${deeper.map((folder) => folder.split("/").at(-1)).join(", ")}`;
    throw new InputError(name, FORM, got, `Take one of them, e.g. ${name}/${deeper[0]}.`);
  }
  if (byClass.size === 0) {
    const got = `${images.length} images that lie in no class folder`;
    throw new InputError(
      name,
      FORM,
      `${got}, no folder inside`,
      "Sort the images into one folder per class.",
    );
  }
  const classes = [...byClass.keys()].sort(ascending);
  const items: { file: F; label: number }[] = [];
  for (const [label, folder] of classes.entries()) {
    const files = byClass.get(folder)!;
    if (files.length === 0) throw emptyClass(`${name}/${root}${folder}`);
    files.sort((a, b) => ascending(a.path, b.path));
    for (const file of files) items.push({ file, label });
  }
  return { classes, items, fingerprint: await digest(classes, items) };
}

/** The class of images that have no labels. */
export const UNLABELLED = "unlabelled";

/**
 * All images of a listing as one class, sorted by path; hidden files and other file types are ignored.
 * @throws InputError when there are no images
 */
export async function listUnlabelled<F extends ListedFile>({
  name,
  files,
}: Listing<F>): Promise<ClassFolders<F>> {
  const images = files.filter(isImage).sort((a, b) => ascending(a.path, b.path));
  if (images.length === 0) {
    throw new InputError(name, IMAGES, `${files.length} files, no image`, "Choose some images.");
  }
  const classes = [UNLABELLED];
  const items = images.map((file) => ({ file, label: 0 }));
  return { classes, items, fingerprint: await digest(classes, items) };
}

/** Folder that holds all class folders, "" or ending in "/": the common start of all paths above their class. */
function outerFolder(paths: readonly string[]): string {
  let root = "";
  for (;;) {
    const rest = paths.map((path) => path.slice(root.length).split("/"));
    const first = rest[0]?.[0];
    // Where an image lies directly in the shared folder, that folder is a class.
    if (!first || rest.some((parts) => parts.length < 3 || parts[0] !== first)) return root;
    root += `${first}/`;
  }
}

/** Folders in `root` that hold folders: e.g. the splits of a data set, train and val, above its classes. */
function nestedFolders({ files, folders }: Listing<ListedFile>, root: string): string[] {
  const holders = [
    ...files.filter(isImage).map(({ path }) => path.slice(0, path.lastIndexOf("/"))),
    ...folders,
  ]
    .map((path) => within(root, path))
    .flatMap(([first, second]) => (first && second !== undefined ? [`${root}${first}`] : []));
  return [...new Set(holders)].filter((path) => !isHidden(path)).sort(ascending);
}

/** Parts of a path below `root`; none when it lies elsewhere. */
function within(root: string, path: string): string[] {
  return path.startsWith(root) ? path.slice(root.length).split("/") : [];
}

async function digest(
  classes: readonly string[],
  items: readonly { readonly file: ListedFile; readonly label: number }[],
): Promise<string> {
  const hash = await createSHA256();
  for (const { file, label } of items) {
    const base = file.path.slice(file.path.lastIndexOf("/") + 1);
    hash.update(JSON.stringify([classes[label], base, file.size]));
  }
  return hash.digest("hex");
}

function emptyClass(folder: string): InputError {
  return new InputError(
    folder,
    IMAGES,
    "an empty class folder",
    "Add images of that class, or remove the folder.",
  );
}
