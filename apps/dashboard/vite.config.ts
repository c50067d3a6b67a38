import { readFileSync } from 'node:fs'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `npm start` listens; `vite` in this folder serves the page with live reload on top of it. */
const SERVER = process.env.HOLDFAST_URL ?? 'http://127.0.0.1:4000'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss()],
  define: { 'import.meta.env.HOLDFAST_VERSION': JSON.stringify(version) },
  build: {
    target: 'es2024',
    // Nothing becomes a data: URL, which the page's content security policy would refuse.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      '/api': { target: SERVER, ws: true },
      '/v1': { target: SERVER, ws: true },
      '/login': SERVER,
      '/health': SERVER,
    },
  },
})
