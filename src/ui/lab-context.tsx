import { createContext, type ReactNode, useContext } from "react";
import { useStore } from "zustand";
import type { Lab } from "../store/lab.ts";
import type { LabState } from "../store/state.ts";

const LabContext = createContext<Lab | null>(null);

/** Gives the lab to all components below. */
export function LabProvider({ lab, children }: { readonly lab: Lab; readonly children: ReactNode }) {
  return <LabContext.Provider value={lab}>{children}</LabContext.Provider>;
}

/** The lab, for its actions. */
export function useLab(): Lab {
  const lab = useContext(LabContext);
  if (!lab) throw new Error("useLab needs a LabProvider above it");
  return lab;
}

/** A part of the lab's state; the component renders again only when that part changes. */
export function useLabState<T>(select: (state: LabState) => T): T {
  return useStore(useLab().store, select);
}
