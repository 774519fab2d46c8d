// Fails when the first screen needs more JavaScript than its budget. Reads what `vite build` just wrote.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const BUDGET_KIB = 350;
const FIRST_SCREEN = ['index.html', 'src/features/home/home-page.tsx'];

const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(await readFile(new URL('.vite/manifest.json', dist), 'utf8'));
const files = new Set();
const visit = (key) => {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`the build has no ${key}; say in scripts/bundle-size.mjs what the first screen is now`);
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const next of chunk.imports ?? []) visit(next);
};
FIRST_SCREEN.forEach(visit);
let bytes = 0;
for (const file of files) bytes += gzipSync(await readFile(new URL(file, dist))).length;
const kib = bytes / 1024;
console.log(
  `first screen: ${kib.toFixed(1)} KiB of JavaScript, gzipped, in ${files.size} files (budget ${BUDGET_KIB})`,
);
if (kib > BUDGET_KIB) process.exit(1);
