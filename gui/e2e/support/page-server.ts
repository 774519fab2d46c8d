//! Where the page comes from: out of the node itself; or, while somebody works on it, `dist` of this folder before the node.
import { fileURLToPath } from 'node:url';

const GUI = fileURLToPath(new URL('../..', import.meta.url));

/** A page in front of a node. */
export type Page = { readonly url: string; readonly stop: () => Promise<void> };

/** The page of a node. With `FLOWORK_PAGE=dist` it is what `npm run build` made last, served as the node would serve it. */
export async function pageOf(node: string): Promise<Page> {
  if (process.env.FLOWORK_PAGE === undefined) return { url: node, stop: async () => undefined };
  const { preview } = await import('vite');
  const to = { target: node, changeOrigin: true, headers: { origin: node } };
  const server = await preview({
    root: GUI,
    logLevel: 'silent',
    build: { outDir: process.env.FLOWORK_PAGE },
    preview: { port: 4850, proxy: { '/api': to, '/hooks': to, '/readyz': to, '/sync': { ...to, ws: true } } },
  });
  return { url: server.resolvedUrls?.local[0]?.replace(/\/$/, '') ?? '', stop: () => server.close() };
}
