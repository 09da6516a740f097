/** File name of a scene of the bundled test set: what a link calls it. */
export function sceneName(index: number): string {
  return `test-scene-${index}.png`;
}

/** Number of the scene that a link or an open image names; null where it is no scene. */
export function sceneOf(sample: string | null | undefined): number | null {
  const [, index] = /^test-scene-(\d{1,6})\.png$/.exec(sample ?? "") ?? [];
  return index === undefined ? null : Number(index);
}
