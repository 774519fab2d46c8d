//! Opens a preset's document of the node for editing.
import { type DocHandle, isValidAutomergeUrl } from '@automerge/automerge-repo/slim';
import { presentAt } from '../api/requests/present';
import { HandleEditor } from './handle-editor';
import { NodeConnection, type Who } from './node-connection';
import type { NodeDocuments } from './repo';
import type { PresetDoc, PresetEditor } from './types';
import { loadAutomerge } from './wasm';
import { takeWhole } from './whole-load';

/** For tests; the page needs none of these. */
export type Options = { readonly documents?: NodeDocuments; readonly who?: Who; readonly clock?: () => number };

/**
 * Opens the document of a draft; `id` is `DraftSummary.id`. The editor is there at once with state `opening`; close it when the screen
 * goes away. What was edited is kept in this browser until the node has it.
 */
export function openEditor(id: string, options: Options = {}): PresetEditor {
  const opened = open(id, options);
  return new HandleEditor(id, opened, options.clock);
}

const LOAD_AGAIN_MS = 2_000;

/** The node that is away has the wasm too, so that it is asked for until it comes. */
async function loadPatiently(): Promise<void> {
  for (;;) {
    const isLoaded = await loadAutomerge().then(
      () => true,
      () => false,
    );
    if (isLoaded) return;
    await new Promise((resolve) => setTimeout(resolve, LOAD_AGAIN_MS));
  }
}

async function open(id: string, { documents, who = presentAt }: Options) {
  await loadPatiently();
  const { repo, ...around } = documents ?? (await import('./repo')).nodeDocuments();
  const url = `automerge:${id}`;
  if (!isValidAutomergeUrl(url)) throw new Error(`${id} is no document's id`);
  const { handle } = repo.findWithProgress<PresetDoc>(url);
  const leave = around.way.onArriving((document, { heads, changes }) => {
    if (document === handle.documentId) takeWhole(handle, heads, changes);
  });
  const ready = whenThere(handle).then(() => {
    leave();
    return handle;
  });
  return {
    connection: new NodeConnection({ repo, ...around }, handle, who),
    ready,
  };
}

/**
 * Resolves when there is something to edit, from this browser or from the node. Automerge-repo's own waiting gives up after a minute,
 * and before it when a repo has no peer; a node may be away for longer.
 */
function whenThere(handle: DocHandle<PresetDoc>): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!handle.isReady()) return;
      handle.off('heads-changed', soon);
      resolve();
    };
    // The handle says that it is ready just after it says that its heads changed.
    const soon = (): void => queueMicrotask(look);
    handle.on('heads-changed', soon);
    look();
  });
}
