import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The node that the dev and preview servers stand in front of. */
const node = process.env.FLOWORK_NODE ?? 'http://127.0.0.1:4141';

/** What the node must send with these files as well (README, "Served by the node"); the preview server proves that it suffices. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const forwarded = {
  target: node,
  changeOrigin: true,
  // The node refuses foreign origins; behind this server the page is its own.
  headers: { origin: node },
};

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': forwarded, '/hooks': forwarded, '/readyz': forwarded, '/sync': { ...forwarded, ws: true } },
    fs: { allow: ['..'] },
  },
  preview: {
    host: '127.0.0.1',
    proxy: { '/api': forwarded, '/hooks': forwarded, '/readyz': forwarded, '/sync': { ...forwarded, ws: true } },
    headers: { 'content-security-policy': policy },
  },
  build: { target: 'es2022', manifest: true, chunkSizeWarningLimit: 600, modulePreload: { polyfill: false } },
});
