// Writes openapi.json from a running node: FLOWORK_NODE=http://127.0.0.1:4141 npm run api:fetch && npm run api
import { writeFile } from 'node:fs/promises';

const node = process.env.FLOWORK_NODE ?? 'http://127.0.0.1:4141';
const answer = await fetch(`${node}/api/v1/openapi.json`);
if (!answer.ok) throw new Error(`${node} answered ${answer.status}; start it with \`flowork up\``);
const sorted = (value) =>
  Array.isArray(value)
    ? value.map(sorted)
    : value && typeof value === 'object'
      ? Object.fromEntries(
          Object.keys(value)
            .sort()
            .map((key) => [key, sorted(value[key])]),
        )
      : value;
await writeFile(
  new URL('../openapi.json', import.meta.url),
  `${JSON.stringify(sorted(await answer.json()), null, 1)}\n`,
);
