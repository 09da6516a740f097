import react from "@vitejs/plugin-react";
import { VitePWA } from "vite-plugin-pwa";
import { defineConfig } from "vitest/config";

// Cross-origin isolation makes SharedArrayBuffer, and with it threaded WASM, available.
const isolation = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

// unzipit imports it where it finds itself in Node only; a browser never comes to that line.
const nodeOnly = { external: ["node:worker_threads"] };

// Hosts that send `Vary: Origin` send the same file to all; the modules of ORT's threads are asked for with an origin, the rest without.
const matchOptions = { ignoreVary: true };

/**
 * The service worker of a hosted copy. The shell is kept when it is installed; ORT's build that is in use, the bundled model and
 * images are kept when they are loaded (src/offline), so that no other build is downloaded. Answers are kept with their headers:
 * what was cross-origin isolated stays so.
 */
const serviceWorker = (mode: string) =>
  VitePWA({
    injectRegister: null, // src/offline registers it, after the first run
    manifest: false,
    selfDestroying: mode !== "production",
    workbox: {
      globPatterns: ["index.html", "favicon.svg", "assets/*.{js,css}"],
      dontCacheBustURLsMatching: /^assets\//,
      inlineWorkboxRuntime: true,
      sourcemap: false,
      // The first visit goes on under the worker; a later version waits until the user takes it.
      clientsClaim: true,
      skipWaiting: false,
      cleanupOutdatedCaches: true,
      // `?backend=` is read by the page itself.
      navigateFallback: "index.html",
      navigateFallbackAllowlist: [/\/(index\.html)?(\?|$)/],
      runtimeCaching: [
        {
          // Their names hold their hash. Two builds of two files; those of an earlier version go.
          urlPattern: /\/assets\/ort-[^/]*\.(mjs|wasm)$/,
          handler: "CacheFirst",
          options: { cacheName: "regscope-site-ort", expiration: { maxEntries: 4 }, matchOptions },
        },
        {
          urlPattern: /\/(models|samples|datasets)\/[^?]*$/,
          handler: "NetworkFirst",
          options: { cacheName: "regscope-site-files", matchOptions },
        },
      ],
    },
  });

export default defineConfig(({ mode }) => ({
  // Relative URLs, so that the built site works under any sub-path of a static host.
  base: "./",
  plugins: [react(), serviceWorker(mode)],
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
}));
