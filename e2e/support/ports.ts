/** Ports of the two servers of the built site; another base lets suites run side by side. */
const base = Number(process.env.REGSCOPE_PORT ?? 4273);

/** The site as `npm start` serves it: cross-origin isolated. */
export const ISOLATED = { port: base, url: `http://127.0.0.1:${base}/` };
/** The site on a plain static host, under a sub-path, without headers. */
export const PLAIN = { port: base + 1, url: `http://127.0.0.1:${base + 1}/lab/` };
/** The development server of the parity tests, which need parts of the program that the page does not show. */
export const PARITY = { port: base + 2, url: `http://127.0.0.1:${base + 2}/` };
