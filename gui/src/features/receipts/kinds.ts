//! What decisions are called, and whether something was let or refused.
import type { PlainKey } from '@/shared/i18n/messages';

const KINDS: Readonly<Record<string, { readonly key: PlainKey; readonly tone: string }>> = {
  invited: { key: 'decision.invited', tone: '' },
  paired: { key: 'decision.paired', tone: 'text-ok' },
  removed: { key: 'decision.removed', tone: 'text-fail' },
  'removed-by-peer': { key: 'decision.removed_by_peer', tone: 'text-fail' },
  'engine-lent': { key: 'decision.engine_lent', tone: 'text-ok' },
  'engine-unlent': { key: 'decision.engine_unlent', tone: '' },
  'policy-set': { key: 'decision.policy_set', tone: '' },
  'lending-paused': { key: 'decision.lending_paused', tone: 'text-wait' },
  'lending-resumed': { key: 'decision.lending_resumed', tone: 'text-ok' },
  'grant-created': { key: 'decision.grant_created', tone: 'text-ok' },
  'grant-revoked': { key: 'decision.grant_revoked', tone: 'text-fail' },
  'grant-received': { key: 'decision.grant_received', tone: 'text-ok' },
  'grant-lost': { key: 'decision.grant_lost', tone: 'text-fail' },
  'call-refused': { key: 'decision.call_refused', tone: 'text-fail' },
};

/** The word of a kind; none for kinds that are newer than this page. */
export const kindWord = (kind: string): { readonly key: PlainKey | undefined; readonly tone: string } =>
  (Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined) ?? { key: undefined, tone: '' };
