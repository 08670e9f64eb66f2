import { fileURLToPath } from "node:url";

import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

const backend = process.env["XUELIANG_BACKEND"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [vue()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": { target: backend, ws: true, changeOrigin: false } },
  },
  // ECharts is one lazily loaded chunk of the history page; its size is known and watched by hand.
  build: { target: "es2022", chunkSizeWarningLimit: 700, assetsInlineLimit: 0 },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
