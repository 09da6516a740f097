import { formatCount } from "./format.ts";

/**
 * A count with its noun: "1 image", "1,200 images", "1 class".
 * @param several the noun's plural, where it takes more than an s
 */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : several}`;
}
