import { expect, test } from "vitest";
import { NONE_SKIPPED, noneReadable, withSkipped } from "./skipped.ts";

test.each(["a.png: expected an image, got none. Choose an image file.", "a.png: could not be decoded"])(
  "the error for a set without a readable image joins its sentences by one full stop: %s",
  (reason) => {
    const { message } = noneReadable("Images", withSkipped(NONE_SKIPPED, reason));
    expect(message).toBe(
      `Images: expected at least one image that can be decoded, got 1 that cannot, e.g. ${reason.replace(/\.$/, "")}. Choose other images.`,
    );
  },
);
