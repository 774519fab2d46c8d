//! Workflows that journeys bring along, as a program would put them on the node.
import type { Preset } from '@/shared/api/types';
import type { Api } from './api';

type Config = Readonly<Record<string, unknown>>;
type Step = { readonly component: string; readonly name: string; readonly config?: Config; readonly on_error?: string };

const GAP = 288;

/** A row of steps behind a manual start. `name` is the workflow's; each step feeds the next from `port`. */
export function row(name: string, title: string, steps: readonly (Step & { readonly port?: string })[]): Preset {
  const ids = steps.map((_, at) => `s${at + 1}`);
  return {
    flowork: 'preset/1',
    name,
    title,
    triggers: { start: { component: 'manual', name: 'Start', position: { x: 0, y: 0 } } },
    steps: Object.fromEntries(
      steps.map(({ port: _, ...step }, at) => [ids[at], { ...step, position: { x: (at + 1) * GAP, y: 0 } }]),
    ),
    wires: Object.fromEntries(
      ids.map((id, at) => [
        `w${at}`,
        {
          from: at === 0 ? { step: 'start', port: 'out' } : { step: ids[at - 1], port: steps[at - 1]?.port ?? 'out' },
          to: { step: id, port: 'in' },
        },
      ]),
    ),
  } as Preset;
}

/** Keeps a workflow on the node; the id of its draft. */
export async function keep(api: Api, preset: Preset): Promise<string> {
  return (await api.ask<{ id: string }>('POST', '/presets', preset)).id;
}

/** Starts a run of a workflow; its id. */
export async function start(api: Api, preset: string, more: object = {}): Promise<string> {
  return (await api.ask<{ job: string }>('POST', '/jobs', { preset, ...more })).job;
}

/** The draft as the node has it. */
export async function draft(api: Api, which: string): Promise<Preset> {
  return (await api.ask<{ preset: Preset }>('GET', `/presets/${which}`)).preset;
}

/** Waits until a run has ended; the state that it ended in. */
export async function ended(api: Api, job: string): Promise<string> {
  const state = async () => (await api.ask<{ state: string }>('GET', `/jobs/${job}`)).state;
  for (;;) {
    const now = await state();
    if (['succeeded', 'failed', 'cancelled'].includes(now)) return now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const ROW = 50;

/** Rows of steps, each fed by the one before it. */
export function grid(name: string, count: number): Preset {
  const steps: Record<string, unknown> = {};
  const wires: Record<string, unknown> = {};
  for (let at = 0; at < count; at += 1) {
    const position = { x: (at % ROW) * GAP, y: Math.floor(at / ROW) * 112 };
    steps[`s${at}`] = { component: 'set', name: `Step ${at}`, position, config: { fields: { at } } };
    if (at % ROW > 0)
      wires[`w${at}`] = { from: { step: `s${at - 1}`, port: 'out' }, to: { step: `s${at}`, port: 'in' } };
  }
  return { flowork: 'preset/1', name, title: `${count} steps`, steps, wires } as Preset;
}
