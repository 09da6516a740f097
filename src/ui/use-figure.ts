import type { Domain } from "../figures/log-scale.ts";
import { type Tensor, tensorOf } from "../figures/tensors.ts";
import { shownPlace } from "../store/place.ts";
import type { Place } from "../store/state.ts";
import { useLabState } from "./lab-context.tsx";

/** The tensor that the figures show, and its colour domain: the model's own once pinned. */
export function useScale(): { readonly tensor: Tensor; readonly domain: Domain; readonly isPinned: boolean } {
  const id = useLabState((state) => state.view.tensor);
  const pinned = useLabState((state) => state.view.domains[id]);
  const tensor = tensorOf(id);
  return { tensor, domain: pinned ?? tensor.domain, isPinned: pinned !== undefined };
}

/** The pinned or followed place. */
export function useShownPlace(): Place | null {
  return useLabState(shownPlace);
}

/** The place under the pointer or cursor, else the shown one: what all views light up. */
export function useLitPlace(): Place | null {
  return useLabState((state) => state.hover ?? shownPlace(state));
}

/** The block that the overlays show. */
export function useLitBlock(): number | null {
  return useLabState((state) => (state.hover ?? shownPlace(state))?.block ?? null);
}
