// Records runs of a real node for the tests of src/shared/history: their events, and the node's own view after some of them.
// FLOWORK_NODE=… FLOWORK_TOKEN=… node scripts/record-history.mjs NAME=JOB …
import { writeFile } from 'node:fs/promises';

const node = process.env.FLOWORK_NODE ?? 'http://127.0.0.1:4141';
const ask = async (path) => {
  const answer = await fetch(`${node}/api/v1/jobs/${path}`, {
    headers: { authorization: `Bearer ${process.env.FLOWORK_TOKEN}` },
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};
for (const [name, job] of process.argv.slice(2).map((text) => text.split('='))) {
  const events = await ask(`${job}/events?max=10000`);
  const step = Math.max(1, Math.floor(events.length / 8));
  const views = [];
  for (let seq = 1; seq <= events.length; seq += step) views.push(await ask(`${job}/snapshot?at=${seq}`));
  views.push(await ask(`${job}/snapshot`));
  await writeFile(
    new URL(`../src/shared/history/recorded/${name}.json`, import.meta.url),
    `${JSON.stringify({ events, views })}\n`,
  );
  console.log(`${name}: ${events.length} events, ${views.length} views`);
}
