import { InputError } from "../errors/input-error.ts";
import type { ModelStorage } from "./model-storage.ts";

/** The file that measurements reserve room for; it stays empty and is removed. */
const RESERVATION = "room-measurement";
/** A measurement stops at this precision. */
const PRECISION = 1e6;

/**
 * Bytes that the browser would still keep for this page; null = it does not say. Where fewer than `needed` are left this is measured, since
 * browsers report a quota that does not depend on how full the disk is, so that pages cannot recognise a person by it.
 */
export async function freeBytes(needed: number): Promise<number | null> {
  const storage = globalThis.navigator?.storage;
  const measured = await measureRoom(needed).catch(() => null); // not offered by this browser
  if (measured !== null && measured < needed) return measured;
  const { usage, quota } = (await storage?.estimate?.().catch(() => null)) ?? {};
  return usage === undefined || quota === undefined ? null : Math.max(0, quota - usage);
}

/**
 * Grows a file of the origin-private file system, whose quota is the Cache API's, without writing to it. A writable stream, since
 * Chromium's synchronous handles grow beyond the quota.
 */
async function measureRoom(needed: number): Promise<number> {
  const folder = await navigator.storage.getDirectory();
  const file = await folder.getFileHandle(RESERVATION, { create: true });
  try {
    return await largestThatFits(needed, async (bytes) => {
      const stream = await file.createWritable();
      await stream.truncate(bytes);
      await stream.abort(); // the room is given back; a stream that failed has done so itself
    });
  } finally {
    await folder.removeEntry(RESERVATION).catch(() => {});
  }
}

/**
 * The largest size up to `needed` that can be reserved, at most 1 MB too small.
 * @param reserve rejects with a QuotaExceededError when a size does not fit; any other error is passed on
 */
export async function largestThatFits(
  needed: number,
  reserve: (bytes: number) => Promise<void>,
): Promise<number> {
  const fits = async (bytes: number) => {
    try {
      await reserve(bytes);
      return true;
    } catch (error) {
      if ((error as { name?: unknown } | null)?.name === "QuotaExceededError") return false;
      throw error;
    }
  };
  if (await fits(needed)) return needed;
  let [room, tooMuch] = [0, needed];
  while (tooMuch - room > PRECISION) {
    const middle = Math.floor((room + tooMuch) / 2);
    if (await fits(middle)) room = middle;
    else tooMuch = middle;
  }
  return room;
}

/**
 * Holds what is to be downloaded against the room that there is, in bytes; null = it is not told.
 * @throws InputError
 */
export function checkRoom(needed: number, free: number | null, place: ModelStorage["place"]): void {
  if (free === null || needed <= free) return;
  throw new InputError(
    place.name,
    `room for ${Math.ceil(needed / 1e6)} MB`,
    `${Math.floor(free / 1e6)} MB`,
    place.remedy,
  );
}
