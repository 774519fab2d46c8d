//! Pinned outputs: given instead of running a step.
import type { Item } from '../../api/types';
import type { Edit } from '../types';
import { chosen } from '../values';
import { entryOf } from './entries';

/** Pins outputs of a step, by port; each port's items are replaced as a whole. */
export const pin =
  (id: string, ports: Readonly<Record<string, readonly Item[]>>): Edit =>
  (doc) => {
    const step = entryOf(doc, 'steps', id);
    if (!step) return;
    const texts = Object.entries(ports).map(([port, items]) => [port, chosen(JSON.stringify(items))] as const);
    const pins = step.pin as Record<string, string> | undefined;
    if (!pins) step.pin = Object.fromEntries(texts);
    else for (const [port, text] of texts) pins[port] = text;
  };

/** Lets steps run again. */
export const unpin =
  (ids: Iterable<string>): Edit =>
  (doc) => {
    for (const id of ids) {
      const step = entryOf(doc, 'steps', id);
      if (step && 'pin' in step) delete step.pin;
    }
  };
