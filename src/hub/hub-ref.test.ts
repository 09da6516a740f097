import { describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { HUGGING_FACE, parseHubRef, parseHubUrl, refText } from "./hub-ref.ts";

describe("parseHubRef", () => {
  it.each([
    ["facebook/dinov2-small", "facebook/dinov2-small", "main"],
    [
      " timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k ",
      "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k",
      "main",
    ],
    ["openai/clip-vit-base-patch16@refs/pr/3", "openai/clip-vit-base-patch16", "refs/pr/3"],
    ["gpt2", "gpt2", "main"],
    ["https://huggingface.co/google/siglip-base-patch16-224", "google/siglip-base-patch16-224", "main"],
    ["https://huggingface.co/a/b/tree/v1.0", "a/b", "v1.0"],
  ])("%s", (text, id, revision) => {
    expect(parseHubRef(text)).toEqual({ hub: HUGGING_FACE, id, revision });
  });

  it("takes a page's own host before the chosen mirror", () => {
    expect(parseHubRef("https://mirror.example/a/b", "https://other.example").hub).toBe(
      "https://mirror.example",
    );
    expect(parseHubRef("a/b", "https://other.example/hub/").hub).toBe("https://other.example/hub");
  });

  it.each([
    "",
    "a/b/c",
    "../etc",
    "a/..",
    "a b/c",
    "a/b@",
    "a/b@x@y",
    "https://huggingface.co/a",
    "https://x",
  ])("refuses %j", (text) => {
    expect(() => parseHubRef(text)).toThrow(InputError);
  });

  it.each([
    "",
    "huggingface.co",
    "ftp://x.example",
    "javascript:alert(1)",
    "https://u:p@x.example",
    "https://x.example/?a",
  ])("refuses the address %j", (text) => {
    expect(() => parseHubUrl(text)).toThrow(InputError);
  });

  it("writes the revision only when it is not the default", () => {
    expect(refText({ id: "a/b", revision: "main" })).toBe("a/b");
    expect(refText({ id: "a/b", revision: "v1" })).toBe("a/b@v1");
  });
});
