//! How long after an event of a run its card has changed on the screen.
import type { JobEvent } from '@/shared/api/types';
import type { Person } from '../support/browser';
import type { TestNode } from '../support/node';
import { keep, row, start } from '../support/presets';

/** Milliseconds from the time that an event carries to the frame in which its card says so, one for each of so many runs. */
export async function eventToScreen(node: TestNode, { page }: Person, runs: number): Promise<number[]> {
  const api = await node.api();
  const preset = await keep(
    api,
    row('latency', 'Latency', [
      { component: 'approval', name: 'Wait', config: { title: 'Go on?' }, port: 'approved' },
      { component: 'no-op', name: 'Done' },
    ]),
  );
  const took: number[] = [];
  for (let turn = 0; turn < runs; turn += 1) {
    const job = await start(api, preset);
    await page.goto(`${node.url}/runs/${job}`);
    await page.getByRole('button', { name: 'Live', exact: true, pressed: true }).waitFor();
    await page.getByRole('button', { name: 'Yes', exact: true }).waitFor();
    const seen = page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const look = () => {
            const cards = [...document.querySelectorAll('[data-card]')];
            const isDone = cards.some((card) => /^Done.*succeeded/s.test(card.textContent ?? ''));
            if (isDone) resolve(Date.now());
            else requestAnimationFrame(look);
          };
          look();
        }),
    );
    await api.ask('POST', `/jobs/${job}/decide`, { run: 's1', approved: true });
    const at = await seen;
    const events = await api.ask<JobEvent[]>('GET', `/jobs/${job}/events?max=100`);
    const done = events.find(
      ({ what }) => typeof what === 'object' && 'step_succeeded' in what && what.step_succeeded.run === 's2',
    );
    if (done) took.push(at - done.at);
  }
  return took;
}
