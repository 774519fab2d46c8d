//! For tests: editors over real repos, alone or joined by a message channel.
import { MessageChannel } from 'node:worker_threads';
import { Repo } from '@automerge/automerge-repo/slim';
import { docOf } from '../form';
import { HandleEditor } from '../handle-editor';
import type { DrawnPreset, PresetDoc } from '../types';
import { ChannelAdapter } from './channel-adapter';
import { wasmFromDisk } from './wasm';

export const PRESET: DrawnPreset = {
  flowork: 'preset/1',
  name: 'invoices',
  title: 'Invoices',
  docs: '',
  triggers: { start: { component: 'manual', name: 'Start', position: { x: 0, y: 0 } } },
  steps: {
    fetch: {
      component: 'http',
      name: 'Fetch',
      position: { x: 300, y: 0 },
      config: { url: 'https://a.test', method: 'GET' },
    },
    tidy: {
      component: 'python',
      name: 'Tidy',
      position: { x: 600, y: 0 },
      config: { code: 'items = []\nreturn items\n' },
    },
    mail: {
      component: 'mail',
      position: { x: 900, y: 0 },
      config: { text: "{{ $('Fetch').item.json.a }}", to: ['a@b.c'] },
    },
  },
  wires: {
    'start:out>fetch:in': { from: { step: 'start', port: 'out' }, to: { step: 'fetch', port: 'in' } },
    'fetch:out>tidy:in': { from: { step: 'fetch', port: 'out' }, to: { step: 'tidy', port: 'in' } },
    'tidy:out>mail:in': { from: { step: 'tidy', port: 'out' }, to: { step: 'mail', port: 'in' } },
  },
  variables: { who: { value: 'Ana' } },
};

export type Clock = { now: number };

/** One editor with a clock of its own. */
export async function alone(preset: DrawnPreset = PRESET, clock: Clock = { now: 0 }) {
  await wasmFromDisk();
  const handle = new Repo().create<PresetDoc>(docOf(preset));
  const editor = new HandleEditor('test', Promise.resolve({ ready: Promise.resolve(handle) }), () => clock.now);
  await editor.ready();
  return { editor, handle, clock };
}

/** Two editors of one document in two repos. `cut` separates them, `join` brings them together and waits until they agree. */
export async function two(preset: DrawnPreset = PRESET) {
  await wasmFromDisk();
  const repos = [new Repo(), new Repo()] as const;
  const first = repos[0].create<PresetDoc>(docOf(preset));
  let adapters: ChannelAdapter[] = [];
  const connect = (): void => {
    const { port1, port2 } = new MessageChannel();
    adapters = [new ChannelAdapter(port1), new ChannelAdapter(port2)];
    repos.forEach((repo, index) => {
      const adapter = adapters[index];
      if (adapter) repo.networkSubsystem.addNetworkAdapter(adapter);
    });
  };
  const cut = (): void => {
    repos.forEach((repo, index) => {
      const adapter = adapters[index];
      if (adapter) repo.networkSubsystem.removeNetworkAdapter(adapter);
    });
  };
  connect();
  const second = await repos[1].find<PresetDoc>(first.url);
  const clock: Clock = { now: 0 };
  const make = (handle: typeof first) =>
    new HandleEditor('test', Promise.resolve({ ready: Promise.resolve(handle) }), () => clock.now);
  const [ana, ben] = [make(first), make(second)] as const;
  await Promise.all([ana.ready(), ben.ready()]);
  const agree = async (): Promise<void> => {
    for (let tries = 0; tries < 400; tries += 1) {
      const [one, other] = [first.heads(), second.heads()];
      if (one.length === other.length && one.every((head) => other.includes(head))) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error('the two repos do not come to agree');
  };
  const join = async (): Promise<void> => {
    connect();
    await agree();
  };
  return { ana, ben, first, second, clock, cut, join, agree };
}
