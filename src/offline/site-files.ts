/** Addresses of what this thread has loaded. */
export function loadedFiles(): string[] {
  return performance.getEntriesByType("resource").map(({ name }) => name);
}

/** Of loaded addresses those below the site's own, once each, without fragments. @param base the site's address, with "/" at its end */
export function siteFiles(urls: readonly string[], base: string): string[] {
  const files = urls.filter((url) => url.startsWith(base)).map((url) => url.replace(/#.*/, ""));
  return [...new Set(files)];
}
