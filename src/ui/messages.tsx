import { Button } from "react-aria-components";
import { useLab, useLabState } from "./lab-context.tsx";

/** What the page tells its user: whole, announced, and there until dismissed. */
export function Messages() {
  const lab = useLab();
  const messages = useLabState((state) => state.messages);
  return (
    <section className="messages" aria-label="Messages" aria-live="polite" data-testid="messages">
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
