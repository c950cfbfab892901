// The administrators' application: scripts and style sheets named by their content, and a page with places for a nonce.

import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import preset from "postcss-preset-mantine";
import { defineConfig } from "vite";

/** The server that a development build asks; see `make run`. */
const SERVER = process.env.VESTIBULE_URL ?? "http://127.0.0.1:9000";

/** The script that chooses the theme and the tab's picture: files of the server, whose addresses it knows. */
const fromTheServer = {
  name: "from the server",
  transformIndexHtml: {
    order: "post",
    handler: () => [
      { tag: "link", attrs: { rel: "icon", href: "/favicon.svg" }, injectTo: "head-prepend" },
      { tag: "script", attrs: { src: "/theme.js" }, injectTo: "head-prepend" },
      // The forms and lists are made from it; asked for while the scripts are still on their way.
      { tag: "link", attrs: { rel: "preload", as: "fetch", href: "/api/v3/schema/?format=json", crossorigin: true }, injectTo: "head" },
    ],
  },
};

/**
 * A file each for what every page needs, and for what many pages share: a browser has six connections, and each file costs
 * a way there and back. What few pages share goes along with its neighbours while it is small, in bytes of source.
 */
const CHUNKS = [
  { name: "shell", tags: ["$initial"], priority: 2 },
  { name: "shared", minShareCount: 2, entriesAware: true, entriesAwareMergeThreshold: 4_000, priority: 1 },
];

export default defineConfig(({ command }) => ({
  root: resolve(import.meta.dirname, "src/app"),
  base: command === "build" ? "/static/vestibule/" : "/if/admin/",
  plugins: [react(), command === "build" && fromTheServer],
  css: { postcss: { plugins: [preset()] } },
  html: { cspNonce: command === "build" ? "NONCE-OF-THIS-VISIT" : undefined },
  build: {
    outDir: resolve(import.meta.dirname, "dist"),
    emptyOutDir: true,
    assetsDir: "app",
    assetsInlineLimit: 0,
    // One style sheet, which no script loads: `build/app.mjs` takes out what nothing needs and names it anew.
    cssCodeSplit: false,
    manifest: true,
    target: ["chrome111", "firefox115", "safari16.4"],
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
    rolldownOptions: { output: { codeSplitting: { includeDependenciesRecursively: false, groups: CHUNKS } } },
  },
  server: {
    proxy: Object.fromEntries(["/api", "/static", "/if/flow", "/if/user", "/flows", "/media"].map((path) => [path, SERVER])),
  },
}));
