/** Path of a Chromium: REGSCOPE_CHROMIUM, one of the system's, or Playwright's; installs one if there is none. */
export function findChromium(): Promise<string>;
