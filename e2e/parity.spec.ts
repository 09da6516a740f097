import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { createServer, type ViteDevServer } from "vite";
import { type FolderReference, listReferences } from "../src/cli/parity.ts";
import { largestDifference, type Parity } from "../src/parity/compare.ts";
import type { ParityRequest } from "./parity/request.ts";
import { ROOT } from "./support/paths.ts";
import { PARITY } from "./support/ports.ts";
import { expect, test } from "./support/test.ts";

let server: ViteDevServer;
let references: FolderReference[];

test.beforeAll(async () => {
  references = await listReferences(join(ROOT, "src/families/fixtures"));
  server = await createServer({
    root: ROOT,
    server: { host: "127.0.0.1", port: PARITY.port, strictPort: true, hmr: false, watch: null },
    logLevel: "error",
  });
  await server.listen();
});

test.afterAll(() => server?.close());

const addressOf = (path: string) => `/${relative(ROOT, path)}`;

for (const backend of ["wasm", "webgpu"] as const) {
  test(`every family is its library's, block by block, on ${backend}`, async ({ page }) => {
    test.setTimeout(300_000);
    await page.goto(`${PARITY.url}e2e/parity/index.html`);
    await page.waitForFunction(() => "compare" in window);
    // WebGPU compiles its shaders anew for each encoder, so there one reference a family has to do, and one of SwiGLU, whose block is
    // one graph whichever family reads it.
    const seen = new Set<string>();
    const chosen = references.filter(({ info }) => {
      const kind = /swiglu/.test(info.case) ? "swiglu" : info.family;
      const isFirst = !seen.has(kind);
      seen.add(kind);
      return backend === "wasm" || isFirst;
    });
    for (const { info, folder, path } of chosen) {
      const request: ParityRequest = {
        backend,
        files: readdirSync(folder).map((file) => addressOf(join(folder, file))),
        reference: addressOf(path),
        image: addressOf(join(ROOT, "src/image/fixtures", info.image)),
      };
      const parity = await page.evaluate(
        (sent) => (window as unknown as { compare(request: unknown): Promise<Parity> }).compare(sent),
        request,
      );
      expect(parity.blocks.length, info.case).toBeGreaterThanOrEqual(2);
      expect(parity.pixels, `${info.case}: pixels`).toBeLessThanOrEqual(1e-6);
      expect(largestDifference(parity), `${info.case}: ${JSON.stringify(parity)}`).toBeLessThanOrEqual(1e-4);
    }
  });
}
