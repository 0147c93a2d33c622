import { defineConfig } from "vite";

export default defineConfig({
  base: "/web/page/",
  publicDir: false,
  build: {
    outDir: "../api/web/page",
    emptyOutDir: true,
    target: "es2022",
    // These know light-dark(), which would otherwise be written out twice.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // No file becomes a data: address: the server's policy takes fonts and scripts from itself alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // cytoscape, which comes only with the first graph, is one file of this size.
    chunkSizeWarningLimit: 600,
    license: { fileName: "licenses.md" },
  },
});
