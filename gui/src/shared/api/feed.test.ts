import { describe, expect, it } from 'vitest';
import { backoff, type FeedState, follow } from './feed';

type Script = (lastId: string) => Response | Error;

const stream = (text: string) => new Response(text, { headers: { 'content-type': 'text/event-stream' } });

async function run(scripts: Script[]) {
  const states: FeedState[] = [];
  const heard: string[] = [];
  const asked: string[] = [];
  const stop = new AbortController();
  let clock = 1_000;
  await follow({
    open: async (lastId) => {
      asked.push(lastId);
      const next = scripts.shift();
      if (!next) {
        stop.abort();
        throw new Error('the script is over');
      }
      const answer = next(lastId);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    onMessages: (messages) => heard.push(...messages.map((message) => message.data)),
    onState: (state) => states.push(state),
    signal: stop.signal,
    now: () => clock,
    random: () => 1,
    pause: async (ms) => {
      clock += ms;
    },
  });
  return { states, heard, asked };
}

describe('a live feed', () => {
  it('resumes after the last message that it heard and ends when the node has nothing more', async () => {
    const { states, heard, asked } = await run([
      () => stream('id: 1\ndata: a\n\nid: 2\ndata: b\n\nid: 3\ndata: cut'),
      () => stream('id: 3\ndata: c\n\n'),
      () => new Response(null, { status: 204 }),
    ]);
    expect(heard).toEqual(['a', 'b', 'c']);
    expect(asked).toEqual(['', '2', '3']);
    expect(states.map((state) => state.kind)).toEqual(['connecting', 'live', 'stale', 'live', 'stale', 'ended']);
  });

  it('is stale, and says since when, as long as the node is away', async () => {
    const { states } = await run([
      () => stream(''),
      () => new TypeError('away'),
      () => new Response('', { status: 503 }),
    ]);
    expect(states).toEqual([
      { kind: 'connecting' },
      { kind: 'live', since: 1_000 },
      { kind: 'stale', since: 1_000, attempt: 1, retryAt: 1_400 },
      { kind: 'stale', since: 1_000, attempt: 2, retryAt: 2_200 },
      { kind: 'stale', since: 1_000, attempt: 3, retryAt: 3_800 },
    ]);
  });

  it('does not come back when it is refused', async () => {
    const { states, asked } = await run([() => new Response('', { status: 401 })]);
    expect(asked).toHaveLength(1);
    expect(states.at(-1)).toEqual({ kind: 'refused', status: 401 });
  });

  it('waits longer each time, up to a bound', () => {
    expect([1, 2, 3, 10].map((attempt) => backoff(attempt, 1))).toEqual([400, 800, 1_600, 10_000]);
    expect(backoff(1, 0)).toBe(200);
  });
});
