import type { LayerTrace } from "../trace/layer-trace.ts";
import type { MaskPart } from "../worker/api.ts";
import type { LabContext } from "./context.ts";
import type { LabState } from "./state.ts";

/** The foreground/background experiment on an image. */
export interface MaskState {
  /** 1 = foreground, [size, size] of the encoder's input; null = no mask yet. */
  readonly inside: Uint8Array | null;
  readonly running: boolean;
  /** Traces of each part by block, of the mask as it was when the comparison started. */
  readonly traces: Readonly<Record<MaskPart, readonly LayerTrace[]>>;
}

/** By id of the image that each belongs to, the one that changed last at the end: going back to an image finds its mask. */
export type MasksState = Readonly<Record<string, MaskState>>;

export const MASK_PARTS: readonly MaskPart[] = ["original", "foreground", "background"];

const NO_TRACES: MaskState["traces"] = { original: [], foreground: [], background: [] };
const NO_MASK: MaskState = { inside: null, running: false, traces: NO_TRACES };

/** Images whose masks are kept. */
const MOST = 16;

/** The mask of the image that is open; an empty one where it has none, or one for another input size. */
export function currentMask({ mask, image }: Pick<LabState, "mask" | "image">): MaskState {
  const found = image && mask[image.info.id];
  return found?.inside?.length === (image?.info.view.size ?? 0) ** 2 ? found : NO_MASK;
}

/** The masks without what another model computed with them. */
export function masksAlone(masks: MasksState): MasksState {
  return Object.fromEntries(Object.entries(masks).map(([id, { inside }]) => [id, { ...NO_MASK, inside }]));
}

/** Actions on the mask. */
export function createMaskActions({ api, store, fail }: LabContext) {
  let work = 0;
  const put = (imageId: string, change: (mask: MaskState) => Partial<MaskState>) =>
    store.setState(({ mask: { [imageId]: old = NO_MASK, ...others } }) => {
      const kept = Object.entries(others).slice(-MOST + 1);
      return { mask: { ...Object.fromEntries(kept), [imageId]: { ...old, ...change(old) } } };
    });

  function set(inside: Uint8Array | null): void {
    const { image, mask } = store.getState();
    if (!image) return;
    work++;
    // Of whichever image: there is one comparison at a time.
    for (const [id, { running }] of Object.entries(mask)) {
      if (!running) continue;
      put(id, () => ({ running: false }));
      void api.cancel("mask").catch(fail);
    }
    put(image.info.id, () => ({ ...NO_MASK, inside }));
  }

  return {
    /** Replaces the mask (painted); a comparison that runs ends. */
    setMask: set,

    /** Reads a mask from an image file: white = foreground. */
    async openMask(file: File): Promise<void> {
      const { image } = store.getState();
      if (!image) return;
      try {
        const inside = await api.openMask(image.info.id, file, file.name);
        if (store.getState().image?.info.id === image.info.id) set(inside);
      } catch (error) {
        fail(error);
      }
    },

    /** Runs the whole image, its foreground only and its background only. */
    async compareParts(): Promise<void> {
      const { image } = store.getState();
      const { inside } = currentMask(store.getState());
      if (!inside || !image) return;
      const { id: imageId } = image.info;
      const id = ++work;
      const update = (change: (mask: MaskState) => Partial<MaskState>) => {
        if (id === work) put(imageId, change);
      };
      // The worker ends a comparison of another image when this one starts.
      for (const each of Object.keys(store.getState().mask)) put(each, () => ({ running: false }));
      update(() => ({ running: true, traces: NO_TRACES }));
      try {
        await api.compareParts(imageId, inside, (part, trace) =>
          update(({ traces }) => {
            const list = [...traces[part]];
            list[trace.block] = trace;
            return { traces: { ...traces, [part]: list } };
          }),
        );
        update(() => ({ running: false }));
      } catch (error) {
        if (id !== work) return;
        update(() => ({ running: false }));
        fail(error);
      }
    },
  };
}
