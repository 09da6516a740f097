import type { SavedModel } from "../cache/model-storage.ts";
import { HUGGING_FACE, type HubRef, parseHubRef, refText } from "../hub/hub-ref.ts";
import type { HubModelRequest, ModelOffer, ModelRequest } from "../worker/api.ts";
import type { LabContext } from "./context.ts";
import { errorText, isCancelled } from "./messages.ts";

/** The dialog that chooses a model. */
export interface PickerState {
  readonly isOpen: boolean;
  /** Address of the Hub or mirror, as typed. */
  readonly hub: string;
  /** Id that is being looked up; null = none. */
  readonly looking: string | null;
  /** What was found; null = nothing was looked up yet, or it failed. */
  readonly offer: ModelOffer | null;
  /** Whether the text tower of what was found is to be downloaded, too. */
  readonly wantsText: boolean;
  /** Why the last look-up or deletion failed. */
  readonly error: string | null;
  /** Null = not read yet. */
  readonly saved: readonly SavedModel[] | null;
}

export const CLOSED_PICKER: PickerState = {
  isOpen: false,
  hub: HUGGING_FACE,
  looking: null,
  offer: null,
  wantsText: false,
  error: null,
  saved: null,
};

/** Actions of the model picker. A failed look-up is told in the dialog; the model in use stays. */
export function createPicker(
  { api, store }: Pick<LabContext, "api" | "store">,
  openModel: (request: ModelRequest) => Promise<boolean>,
) {
  const update = (change: Partial<PickerState>) =>
    store.setState((state) => ({ picker: { ...state.picker, ...change } }));
  // A later look-up supersedes an earlier one, whichever answers first.
  let work = 0;

  async function refreshSaved(): Promise<void> {
    try {
      update({ saved: await api.savedModels() });
    } catch (error) {
      update({ error: errorText(error) });
    }
  }

  async function download(request: HubModelRequest): Promise<void> {
    // What it says of sizes does not hold any more.
    update({ isOpen: false, offer: null });
    await openModel(request);
    await refreshSaved();
  }

  /** @param find the model, as it was typed or chosen; may throw @param wantsText whether its text tower is asked for */
  async function lookUp(find: () => HubRef, wantsText: boolean): Promise<void> {
    const id = ++work;
    try {
      const ref = find();
      update({ looking: refText(ref), offer: null, error: null });
      const offer = await api.lookUpModel(ref);
      if (id !== work) return;
      update({ looking: null, offer, wantsText: wantsText || offer.text?.isWanted === true });
    } catch (error) {
      if (id === work)
        update({ looking: null, offer: null, error: isCancelled(error) ? null : errorText(error) });
    }
  }

  return {
    async openPicker(): Promise<void> {
      update({ isOpen: true });
      await refreshSaved();
    },

    closePicker(): void {
      update({ isOpen: false });
    },

    setHub(hub: string): void {
      update({ hub });
    },

    setWantsText(wantsText: boolean): void {
      update({ wantsText });
    },

    /** Asks what a model is, before any of its weights are fetched. @param text id, id@revision or address */
    lookUp: (text: string): Promise<void> =>
      lookUp(() => parseHubRef(text, store.getState().picker.hub), false),

    /** Asks what the text tower of a saved model would add to it. */
    lookUpText: ({ hub, id, commit }: SavedModel): Promise<void> =>
      lookUp(() => ({ hub, id, revision: commit }), true),

    /** Downloads what was offered, at the commit that was looked up, and opens it. */
    openOffer({ hub, id, revision, commit, text }: ModelOffer): Promise<void> {
      const withText = text !== null && store.getState().picker.wantsText;
      return download({ kind: "hub", hub, id, revision, commit, withText });
    },

    /** Opens a saved model; one that is here in part is downloaded further, its text tower too where it was wanted. */
    openSaved: ({ hub, id, revision, commit, complete, text }: SavedModel): Promise<void> =>
      download({ kind: "hub", hub, id, revision, commit, withText: !complete && text === "wanted" }),

    async deleteSaved(key: string): Promise<void> {
      update({ offer: null });
      try {
        await api.deleteSavedModel(key);
      } catch (error) {
        update({ error: errorText(error) });
      }
      await refreshSaved();
    },
  };
}
