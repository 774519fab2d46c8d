//! Two nodes that are friends, as programs would make them.
import type { Api } from './api';
import { ended, keep, row, start } from './presets';

/** Makes friends: the first invites, the second joins. Each calls the other by a name. */
export async function befriend(first: Api, second: Api, names: { first: string; second: string }): Promise<void> {
  const { link } = await first.ask<{ link: string }>('POST', '/peers/invitations', { name: names.second });
  await second.ask('POST', '/peers', { link, name: names.first });
}

/** Lends a workflow and lets a friend use it; waits until the friend has heard of it. */
export async function lendTo(
  owner: Api,
  friend: Api,
  { engine, preset, to, limits }: { engine: string; preset: string; to: string; limits: object },
): Promise<void> {
  await owner.ask('PUT', `/engines/${engine}`, { run: [preset], concurrent: 2 });
  const until = Date.now() + 7 * 86_400_000;
  const { id } = await owner.ask<{ id: string }>('POST', '/grants', {
    to,
    engine,
    can: [`run:${preset}`],
    limits,
    until,
  });
  for (;;) {
    const grants = await friend.ask<{ id: string }[]>('GET', '/grants');
    if (grants.some((grant) => grant.id === id)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Runs what a friend lends, once, to the end; the id of the draft that does. */
export async function ranAt(api: Api, peer: string, preset: string): Promise<string> {
  const name = `${preset}-at-${peer.toLowerCase()}`;
  const step = { component: 'borrow', name: `${preset} at ${peer}`, config: { preset, peer } };
  const draft = await keep(api, row(name, `${preset} at ${peer}`, [step]));
  const job = await start(api, draft);
  const state = await ended(api, job);
  if (state !== 'succeeded') throw new Error(`The run at ${peer} ${state}`);
  return draft;
}
