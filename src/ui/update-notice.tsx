import { Button } from "react-aria-components";
import { useStore } from "zustand";
import type { Updates } from "../offline/updates.ts";

/** Says that a new version waits. It is taken by the user alone, since reloading ends what is open here. */
export function UpdateNotice({ updates }: { readonly updates: Updates }) {
  const update = useStore(updates.store, (state) => state.update);
  if (update === "none") return null;
  return (
    <div className="message message-update" data-testid="update">
      <p>
        {update === "ready"
          ? "A new version of RegScope is ready. Reloading ends what runs and closes what is open here: save first what you want to keep. Until you reload, this version goes on."
          : "A new version of RegScope is ready, but this site is open in other tabs or windows, too, which it would disturb. Close those, then reload."}
      </p>
      <Button onPress={() => void updates.take()} data-testid="update-reload">
        Reload
      </Button>
    </div>
  );
}
