import { describe, expect, test } from "vitest";
import { routeFiles } from "./file-routing.ts";

describe("files are routed by name", () => {
  const file = (name: string) => ({ name });
  test.each([
    [["photo.jpg"], "image"],
    [["notes.md"], "image"],
    [["photo.jpg", "notes.txt"], "image"],
    [["names.txt"], "lists"],
    [["classes.json", "templates.TXT"], "lists"],
    [["model.safetensors", "classes.json"], "model"],
    [["animals.ZIP"], "archive"],
    [["model.safetensors"], "model"],
    [["model.safetensors", "config.json"], "model"],
    [["model.safetensors", "registers.safetensors"], "model"],
    [["registers-5612.safetensors"], "registers"],
    [["config.json"], "model"],
    [[], "nothing"],
  ])("%j -> %s", (names, kind) => {
    expect(routeFiles(names.map(file)).kind).toBe(kind);
  });

  test("of several images the first is opened and the rest are counted", () => {
    expect(routeFiles([file("a.png"), file("b.png"), file("c.png")])).toMatchObject({
      file: { name: "a.png" },
      ignored: 2,
    });
  });
});
