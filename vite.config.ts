import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Cross-origin isolation makes SharedArrayBuffer, and with it threaded WASM, available.
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

// unzipit imports it where it finds itself in Node only; a browser never comes to that line.
const nodeOnly = { external: ["node:worker_threads"] };

export default defineConfig({
  // Relative URLs, so that the built site works under any sub-path of a static host.
  base: "./",
  plugins: [react()],
  // Without this condition ORT bundles its own glue code, and the pthread workers of the built,
  // isolated site re-run our worker chunk and hang.
  resolve: { conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "development|production"] },
  optimizeDeps: { exclude: ["onnxruntime-web"] },
  worker: { format: "es", rolldownOptions: nodeOnly },
  build: { target: "esnext", assetsInlineLimit: 0, chunkSizeWarningLimit: 1200, rolldownOptions: nodeOnly },
  server: { headers: isolation },
  preview: { headers: isolation },
  test: {
    include: ["src/**/*.test.ts", "src/**/*.test.tsx"],
    setupFiles: ["scripts/property-seed.ts"],
    testTimeout: 120_000,
  },
});
