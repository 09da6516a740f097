import { describe, expect, test } from "vitest";
import { CancelledError, InputError } from "../errors/input-error.ts";
import { addMessage, errorText, isCancelled } from "./messages.ts";

describe("messages", () => {
  test("bad input is shown as it stands, other errors with their name", () => {
    expect(errorText(new InputError("x.png", "an image", "text", "Choose another."))).toBe(
      "x.png: expected an image, got text. Choose another.",
    );
    expect(errorText(new RangeError("no"))).toBe("RangeError: no");
    expect(isCancelled(new CancelledError())).toBe(true);
  });

  test("a repeated message stands once, and five at most stay", () => {
    let messages = addMessage([], { id: 0, kind: "info", text: "same" });
    messages = addMessage(messages, { id: 1, kind: "info", text: "same" });
    expect(messages).toHaveLength(1);
    for (let id = 2; id < 9; id++) messages = addMessage(messages, { id, kind: "error", text: `e${id}` });
    expect(messages.map(({ id }) => id)).toEqual([4, 5, 6, 7, 8]);
  });
});
