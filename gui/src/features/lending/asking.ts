//! What is asked of a friend: the form, and the request that it makes.
import type { NewRequest } from '@/shared/api/types';
import { ASK, toolCapability } from '@/shared/mesh/sentence';

export const WISHES = ['workflow', 'component', 'model', 'other'] as const;
export type Wish = (typeof WISHES)[number];

export type Asking = {
  readonly wish: Wish;
  /** The workflow or component, by the name under which it is lent. */
  readonly name: string;
  readonly engine: string;
  readonly note: string;
};
export const NOTHING_ASKED: Asking = { wish: 'workflow', name: '', engine: '', note: '' };

/** The most letters of a note. */
export const NOTE_MAX = 500;

/** The request; undefined as long as it does not say what is wanted. */
export function requestOf({ wish, name, engine, note }: Asking): NewRequest | undefined {
  const [what, why, where] = [name.trim(), note.trim(), engine.trim()];
  const isNamed = wish === 'workflow' || wish === 'component';
  if (isNamed ? what === '' : wish === 'other' && why === '') return undefined;
  const can = { workflow: [`run:${what}`], component: [toolCapability(what)], model: [ASK], other: [] }[wish];
  return { can, ...(why === '' ? {} : { note: why }), ...(where === '' ? {} : { engine: where }) };
}
