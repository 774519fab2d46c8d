// Runs a script of this folder that is written in TypeScript: node e2e/run.mjs speed
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
await runnerImport(at(`./${process.argv[2]}.ts`), {
  root: at('..'),
  configFile: false,
  resolve: { alias: { '@': at('../src') } },
});
