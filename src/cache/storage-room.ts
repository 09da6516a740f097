import { InputError } from "../errors/input-error.ts";

/** Bytes that the browser would still keep for this page; null = it does not say. */
export async function freeBytes(): Promise<number | null> {
  const { usage, quota } = (await globalThis.navigator?.storage?.estimate?.().catch(() => null)) ?? {};
  return usage === undefined || quota === undefined ? null : Math.max(0, quota - usage);
}

/**
 * Holds what is to be downloaded against the room that the browser gives.
 * @throws InputError
 */
export function checkRoom(needed: number, free: number | null): void {
  if (free === null || needed <= free) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;
  throw new InputError(
    "Storage of the browser",
    `room for ${megabytes(needed)}`,
    megabytes(free),
    "Delete saved models or free disk space, or download the files yourself and open them from your disk.",
  );
}
