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
/** A reference with properties beside it is both: said so, or openapi-typescript keeps the reference alone. */
const whole = (value) => {
  if (Array.isArray(value)) return value.map(whole);
  if (!value || typeof value !== 'object') return value;
  const all = Object.fromEntries(Object.entries(value).map(([key, it]) => [key, whole(it)]));
  if (typeof all.$ref !== 'string' || all.properties === undefined) return all;
  const { $ref, description, ...own } = all;
  return { description, allOf: [{ $ref }, own] };
};
await writeFile(
  new URL('../openapi.json', import.meta.url),
  `${JSON.stringify(sorted(whole(await answer.json())), null, 1)}\n`,
);
