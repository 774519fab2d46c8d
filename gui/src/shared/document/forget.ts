//! Forgets what this browser keeps of a workflow. Loads no Automerge, so that lists may call it.
import { nodeAddress } from '../auth/node-address';
import { browserDrafts } from './drafts';
import { browserUnsent } from './unsent';

export async function forgetDraft(id: string): Promise<void> {
  browserUnsent().set(id, false);
  await browserDrafts(nodeAddress()).removeRange([id]);
}
