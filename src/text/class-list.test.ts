import { describe, expect, it } from "vitest";
import { InputError } from "../errors/input-error.ts";
import { namesOfFolders, parseClasses, parseTemplates } from "./class-list.ts";

describe("class lists", () => {
  it("reads lines, a JSON list and a JSON object", () => {
    expect(parseClasses("tench\r\n\n  church \n", "a.txt")).toEqual({
      classes: ["tench", "church"],
      keys: null,
    });
    expect(parseClasses('["tench", "church"]', "a.json").classes).toEqual(["tench", "church"]);
    const mapped = parseClasses('{"n01440764": "tench", "n03028079": "church"}', "a.json");
    expect(mapped).toEqual({ classes: ["tench", "church"], keys: ["n01440764", "n03028079"] });
    expect(parseClasses("[not json] a class", "a.txt").classes).toEqual(["[not json] a class"]);
  });

  it.each([
    ["", /at least one class name, got none/],
    ["[]", /at least one class name/],
    ["cat\ndog\ncat", /every class once, got "cat" twice/],
    ['["cat", ""]', /a name for every class, got none for class 2/],
    ['["cat", 1]', /a list of names/],
    ['["cat",', /a list of names/],
    ['{"a": ["cat"]}', /a list of names/],
  ])("refuses %j", (text, message) => {
    expect(() => parseClasses(text, "classes.txt")).toThrow(InputError);
    expect(() => parseClasses(text, "classes.txt")).toThrow(message);
  });

  it("reads templates and refuses those without {}", () => {
    expect(parseTemplates("a photo of a {}.\nitap of my {}.", "t")).toEqual([
      "a photo of a {}.",
      "itap of my {}.",
    ]);
    expect(parseTemplates('["a {}"]', "t")).toEqual(["a {}"]);
    expect(() => parseTemplates("a photo", "t.txt")).toThrow(
      /t.txt: expected templates with {} .* got "a photo"/,
    );
    expect(() => parseTemplates(" ", "t.txt")).toThrow(/at least one prompt template/);
  });

  it("finds the names of class folders by key, by name or by order", () => {
    const folders = ["n01", "n02"];
    const keyed = parseClasses('{"n02": "church", "n03": "horn", "n01": "tench"}', "a");
    expect(namesOfFolders(keyed, folders, "a")).toEqual({
      classes: ["church", "horn", "tench"],
      labels: ["tench", "church"],
    });
    const named = parseClasses("church\nn02\nn01", "a");
    expect(namesOfFolders(named, folders, "a").labels).toEqual(folders);
    expect(namesOfFolders(parseClasses("tench\nchurch", "a"), folders, "a").labels).toEqual([
      "tench",
      "church",
    ]);
    expect(namesOfFolders(null, ["gas_pump"], "a").labels).toEqual(["gas pump"]);
    const short = parseClasses('{"n01": "tench"}', "a");
    expect(() => namesOfFolders(short, folders, "a.json")).toThrow(/a.json: .* got none for "n02"/);
    const three = parseClasses("a\nb\nc", "a");
    expect(() => namesOfFolders(three, folders, "a.txt")).toThrow(/each of the 2 class folders, got 3 names/);
  });
});
