import { createStore, type StoreApi } from "zustand/vanilla";

/** A newer version of the site that waits to be used. */
export interface UpdateState {
  /** `other-pages`: it cannot be taken while this site is open elsewhere, too. */
  readonly update: "none" | "ready" | "other-pages";
}

/** What the page shows of updates, and what its user may do about them. */
export interface Updates {
  readonly store: StoreApi<UpdateState>;
  /** Takes the new version and reloads; only ever called by the user, whose open work ends with the page. */
  take(): Promise<void>;
}

/** Every open page of the site holds this lock in shared mode. */
const OPEN_PAGES = "regscope.open-page";

/**
 * @param scope address of the site: others of the same origin do not count
 * @param activate makes the waiting version the current one, after which the page is reloaded
 */
export function createUpdates(scope: string, activate: () => void): Updates {
  const name = `${OPEN_PAGES} ${scope}`;
  const store = createStore<UpdateState>(() => ({ update: "none" }));
  void navigator.locks?.request(name, { mode: "shared" }, () => new Promise<never>(() => {}));
  return {
    store,
    async take() {
      // A new version deletes the old one's files, which other open pages may still have to load.
      const { held = [] } = (await navigator.locks?.query()) ?? {};
      if (held.filter((lock) => lock.name === name).length > 1) store.setState({ update: "other-pages" });
      else activate();
    },
  };
}
