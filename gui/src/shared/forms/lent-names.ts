//! Names that steps take which use something lent: of friends, of what they let this node use, of engines with a model.
import { useQuery } from '@tanstack/react-query';
import { enginesQuery } from '../api/requests/engines';
import { grantsQuery } from '../api/requests/grants';
import { peersQuery } from '../api/requests/peers';
import type { Engine, Grant } from '../api/types';
import { ASK, componentOf, grantState, workflowOf } from '../mesh/sentence';
import type { LentName, Suggest } from './schema';

const NONE: readonly string[] = [];
const LENT: readonly LentName[] = ['lent', 'tool', 'engine', 'asked'];

/** What can be written there; nothing for fields that take something else. */
export function useLentNames(suggest: Suggest | undefined): readonly string[] {
  const peers = useQuery({ ...peersQuery, enabled: suggest === 'friend', refetchInterval: false }).data;
  const lent = LENT.find((it) => it === suggest);
  const grants = useQuery({ ...grantsQuery, enabled: lent !== undefined, refetchInterval: false }).data;
  const engines = useQuery({ ...enginesQuery, enabled: suggest === 'asked', refetchInterval: false }).data;
  if (suggest === 'friend') return peers?.map((it) => it.name) ?? NONE;
  return lent === undefined ? NONE : lentNames(lent, grants ?? [], engines ?? [], Date.now());
}

/** Workflows or components that friends lend, engines that run these, or engines with a model: those of this node go first. */
export function lentNames(
  suggest: LentName,
  grants: readonly Grant[],
  engines: readonly Engine[],
  now: number,
): readonly string[] {
  const held = grants.filter((it) => !it.is_given && grantState(it, now) === 'good');
  const names = held.flatMap(({ can, engine }): readonly string[] => {
    const workflows = can.map(workflowOf).filter((it) => it !== undefined);
    const components = can.map(componentOf).filter((it) => it !== undefined);
    if (suggest === 'lent') return workflows;
    if (suggest === 'tool') return components;
    const fits = suggest === 'engine' ? workflows.length + components.length > 0 : can.includes(ASK);
    return fits ? [engine] : NONE;
  });
  const own = suggest === 'asked' ? engines.filter((it) => ASK in it.offers).map((it) => it.name) : NONE;
  return [...new Set([...own, ...names])];
}
