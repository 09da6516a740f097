import { expect, test } from "vitest";
import { siteFiles } from "./site-files.ts";

test("of what was loaded, the site's own files are kept, once each", () => {
  const base = "https://host.example/lab/";
  const own = `${base}assets/a.js`;
  const urls = [own, `${own}#x`, "https://host.example/other/b.js", "https://hub.example/lab/c", "blob:x"];
  expect(siteFiles(urls, base)).toEqual([own]);
});
