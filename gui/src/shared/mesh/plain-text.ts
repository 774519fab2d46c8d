//! Sentences of the node about grants and friends, without the ids in them: those stand under details.
import type { Grant } from '../api/types';
import type { Translate } from '../i18n/messages';
import { usesOf } from './sentence';

/** A decision: *Ben (12D3…) is paired*, *the grant 998165916dae was taken back*, *may be lent for run:report*. */
export const plainDecision = (text: string): string =>
  text
    .replaceAll(/ \(12D3\w+\)/g, '')
    .replaceAll(/\bgrant [0-9a-f]{12}\b/g, 'grant')
    .replaceAll(/\b(?:run|tool):(?=\S)/g, '');

/** A reason of a test: *grant 7d7db9ec5c29: allowed until …* begins with what the grant is for. */
export function plainReason(t: Translate, reason: string, grants: readonly Grant[]): string {
  const [, id, rest] = /^grant ([0-9a-f]{6,}): (.*)$/s.exec(reason) ?? [];
  if (id === undefined || rest === undefined) return plainDecision(reason);
  const grant = grants.find((it) => it.id.startsWith(id));
  return grant ? `${grant.engine}, ${usesOf(t, grant.can).join(', ')}: ${rest}` : rest;
}
