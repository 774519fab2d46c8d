//! A document that this tab does not have yet is loaded as a whole. Automerge-repo puts it together change by change, patching the
//! JavaScript side as it goes: with 5 000 steps that takes four times as long, from this browser and from the node alike.
import { getHeads, load } from '@automerge/automerge/slim';
import type { DocHandle, Repo } from '@automerge/automerge-repo/slim';
import type { PresetDoc } from './types';

/** Loads a document from its parts, whatever their order; undefined when they are not whole. */
function loaded(parts: readonly Uint8Array[]): PresetDoc | undefined {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  try {
    return load<PresetDoc>(bytes);
  } catch {
    return undefined;
  }
}

/** The node's first message about a document that is not here: what it brings is loaded before the repo looks at it. */
export function takeWhole(
  handle: DocHandle<PresetDoc>,
  heads: readonly string[],
  changes: readonly Uint8Array[],
): void {
  if (changes.length === 0 || !handle.inState(['requesting', 'unavailable'])) return;
  const doc = loaded(changes);
  if (!doc || getHeads(doc).join() !== [...heads].sort().join()) return;
  handle.update(() => doc as never);
}

/**
 * Lets a repo load whole documents from its storage. What it has loaded so counts as not stored yet and is written once more with the next
 * change, under the same name.
 */
export function loadWhole(repo: Repo): void {
  const storage = repo.storageSubsystem;
  if (!storage) return;
  const slowly = storage.loadDoc.bind(storage);
  storage.loadDoc = async <T>(id: Parameters<typeof slowly>[0]) => {
    const bytes = await storage.loadDocData(id);
    if (!bytes) return null;
    const doc = loaded([bytes]);
    // What does not read at all counts as not here, so that the node is asked.
    return doc ? (doc as never) : slowly<T>(id).catch(() => null);
  };
}
