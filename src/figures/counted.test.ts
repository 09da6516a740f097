import { expect, test } from "vitest";
import { counted } from "./counted.ts";

test("one is singular, none and many are plural", () => {
  expect(counted(1, "image")).toBe("1 image");
  expect(counted(0, "image")).toBe("0 images");
  expect(counted(1200, "image")).toBe("1,200 images");
  expect(counted(1, "class", "classes")).toBe("1 class");
  expect(counted(2, "class", "classes")).toBe("2 classes");
});
