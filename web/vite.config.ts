// How the board is built: relative addresses (any proxy prefix works), nothing inline (a strict CSP holds), output into the Python package.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const server = process.env.VISUALDL_SERVER ?? "http://127.0.0.1:8040";

export default defineConfig({
  base: "./",
  plugins: [svelte()],
  build: {
    outDir: "../visualdl/web",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2023",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    reportCompressedSize: true,
    // The notices of what is bundled travel with it.
    license: { fileName: "licenses.md" },
  },
  worker: { format: "es" },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": { target: server, ws: true, changeOrigin: false } },
  },
});
