import type { SavedModel } from "../cache/saved-models.ts";
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
    update({ isOpen: false });
    await openModel(request);
    await refreshSaved();
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

    /** Asks what a model is, before any of its weights are fetched. @param text id, id@revision or address */
    async lookUp(text: string): Promise<void> {
      const id = ++work;
      try {
        const ref: HubRef = parseHubRef(text, store.getState().picker.hub);
        update({ looking: refText(ref), offer: null, error: null });
        const offer = await api.lookUpModel(ref);
        if (id === work) update({ looking: null, offer });
      } catch (error) {
        if (id === work)
          update({ looking: null, offer: null, error: isCancelled(error) ? null : errorText(error) });
      }
    },

    /** Downloads what was offered, at the commit that was looked up, and opens it. */
    openOffer: ({ hub, id, revision, commit }: ModelOffer): Promise<void> =>
      download({ kind: "hub", hub, id, revision, commit }),

    /** Opens a saved model; one that is here in part is downloaded further. */
    openSaved: ({ hub, id, revision, commit }: SavedModel): Promise<void> =>
      download({ kind: "hub", hub, id, revision, commit }),

    async deleteSaved(key: string): Promise<void> {
      try {
        await api.deleteSavedModel(key);
      } catch (error) {
        update({ error: errorText(error) });
      }
      await refreshSaved();
    },
  };
}
