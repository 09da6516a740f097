import { Button } from "react-aria-components";
import type { Updates } from "../offline/updates.ts";
import { useLab, useLabState } from "./lab-context.tsx";
import { UpdateNotice } from "./update-notice.tsx";

/** What the page tells its user: whole, announced, and there until dismissed. */
export function Messages({ updates }: { readonly updates: Updates }) {
  const lab = useLab();
  const messages = useLabState((state) => state.messages);
  return (
    <section className="messages" aria-label="Messages" aria-live="polite" data-testid="messages">
      <UpdateNotice updates={updates} />
      {messages.map(({ id, kind, text }) => (
        <div key={id} className={`message message-${kind}`} role={kind === "error" ? "alert" : undefined}>
          <p>{text}</p>
          <Button aria-label="Dismiss message" onPress={() => lab.dismiss(id)}>
            ×
          </Button>
        </div>
      ))}
    </section>
  );
}
