import type { LayerTrace } from "../trace/layer-trace.ts";
import type { MaskPart } from "../worker/api.ts";
import type { LabContext } from "./context.ts";
import type { LabState } from "./state.ts";

/** The foreground/background experiment on the open image. */
export interface MaskState {
  /** The image that the mask belongs to; another one starts without. */
  readonly imageId: string | null;
  /** 1 = foreground, [size, size] of the encoder's input; null = no mask yet. */
  readonly inside: Uint8Array | null;
  readonly running: boolean;
  /** Traces of each part by block, of the mask as it was when the comparison started. */
  readonly traces: Readonly<Record<MaskPart, readonly LayerTrace[]>>;
}

export const MASK_PARTS: readonly MaskPart[] = ["original", "foreground", "background"];

const NO_TRACES: MaskState["traces"] = { original: [], foreground: [], background: [] };
export const NO_MASK: MaskState = { imageId: null, inside: null, running: false, traces: NO_TRACES };

/** The mask of the image that is open; an empty one where it has none. */
export function currentMask({ mask, image }: LabState): MaskState {
  return image && mask.imageId === image.info.id ? mask : NO_MASK;
}

/** Actions on the mask. */
export function createMaskActions({ api, store, fail }: LabContext) {
  let work = 0;
  const update = (change: (mask: MaskState) => Partial<MaskState>) =>
    store.setState((state) => ({ mask: { ...state.mask, ...change(state.mask) } }));

  function set(inside: Uint8Array | null): void {
    const { image, mask } = store.getState();
    if (!image) return;
    work++;
    if (mask.running) void api.cancel("mask").catch(fail);
    store.setState({ mask: { ...NO_MASK, imageId: image.info.id, inside } });
  }

  return {
    /** Replaces the mask (painted); a comparison of the old one ends. */
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
      const { inside, imageId } = currentMask(store.getState());
      if (!inside || imageId === null) return;
      const id = ++work;
      update(() => ({ running: true, traces: NO_TRACES }));
      try {
        await api.compareParts(imageId, inside, (part, trace) => {
          if (id !== work) return;
          update(({ traces }) => {
            const list = [...traces[part]];
            list[trace.block] = trace;
            return { traces: { ...traces, [part]: list } };
          });
        });
        if (id === work) update(() => ({ running: false }));
      } catch (error) {
        if (id !== work) return;
        update(() => ({ running: false }));
        fail(error);
      }
    },
  };
}
