//! Who may use what, as a sentence in the language of the screen. In English the node's own sentence is shown.
import type { Grant, GrantLimits } from '../api/types';
import { bytes, durationMs, minute } from '../format/format';
import { currentLanguage, currentLocale, type Translate } from '../i18n/messages';

export type Allowed = {
  readonly who: string;
  /** What it can be used for, each in words: `usedAs`. */
  readonly uses: readonly string[];
  readonly engine: string;
  readonly limits: GrantLimits;
  /** When it ends; undefined while that is not known. */
  readonly until: number | undefined;
  /** How many times it may be passed on. */
  readonly depth: number;
};

/** The capability of whoever may ask a model. */
export const ASK = 'chat';

/** The workflow that a capability runs: `report` of `run:report`; undefined for one that does something else. */
export const workflowOf = (capability: string): string | undefined =>
  capability.startsWith('run:') ? capability.slice('run:'.length) : undefined;

/** The single component that a capability calls: `csv-parse` of `tool:csv-parse`; undefined for one that does something else. */
export const componentOf = (capability: string): string | undefined =>
  capability.startsWith('tool:') ? capability.slice('tool:'.length) : undefined;

/** The capability of whoever may call a single component. */
export const toolCapability = (component: string): string => `tool:${component}`;

/** What a capability is called: its workflow, its component, or that a model is asked. */
export function usedAs(t: Translate, capability: string): string {
  if (capability === ASK) return t('use.ask');
  const component = componentOf(capability);
  return component === undefined ? (workflowOf(capability) ?? capability) : t('use.component', { component });
}

/** What several capabilities are called: workflows first, so that *its model* is read as the engine's. */
export const usesOf = (t: Translate, can: readonly string[]): string[] =>
  [...can].sort((one, other) => Number(one === ASK) - Number(other === ASK)).map((it) => usedAs(t, it));

const listed = (words: readonly string[]): string =>
  new Intl.ListFormat(currentLocale(), { type: 'conjunction' }).format(words);

/** The limits in words, one each; none when nothing is limited. */
export function limitWords(t: Translate, limits: GrantLimits): string[] {
  const { calls_per_hour: calls, concurrent, seconds_per_day: seconds, bytes_per_day: size } = limits;
  return [
    calls != null && t('grant.calls', { count: calls }),
    concurrent != null && t('grant.at_once', { count: concurrent }),
    seconds != null && t('grant.work', { time: durationMs(seconds * 1_000) }),
    size != null && t('grant.data', { size: bytes(size) }),
    limits.tokens_per_day != null && t('grant.tokens', { count: limits.tokens_per_day }),
  ].filter((it) => it !== false);
}

/** All of it: *Ana may use report on workshop · at most 20 runs an hour · until 28 Nov, 18:00*. */
export function allowedWords(t: Translate, { who, uses, engine, limits, until, depth }: Allowed): string {
  const what = uses.length === 0 ? t('grant.nothing') : listed(uses);
  const parts = [t('grant.may', { who, what, engine })];
  const words = limitWords(t, limits);
  parts.push(...(words.length === 0 ? [t('grant.unlimited')] : words));
  if (until !== undefined) parts.push(t('grant.until', { time: minute(until) }));
  if (depth > 0) parts.push(t(depth === 1 ? 'grant.passes.once' : 'grant.passes', { count: depth }));
  return parts.join(' · ');
}

/** A grant as a sentence. */
export function grantSentence(t: Translate, grant: Grant): string {
  if (currentLanguage() === 'en') return grant.sentence;
  const engine =
    grant.owner_name == null ? grant.engine : t('grant.engine_of', { engine: grant.engine, who: grant.owner_name });
  const who = grant.is_given ? grant.to : t('mesh.this_node');
  const uses = usesOf(t, grant.can);
  return allowedWords(t, { who, uses, engine, limits: grant.limits, until: grant.ends_at, depth: grant.depth });
}

export type GrantState = 'good' | 'ended' | 'renewed' | 'taken_back';

/** Whether it still holds, and why not. One that was renewed holds on only for what began under it. */
export function grantState(grant: Grant, now: number): GrantState {
  if (grant.revoked_at != null) return 'taken_back';
  if (grant.renewed_as != null) return 'renewed';
  return grant.ends_at <= now ? 'ended' : 'good';
}

/** Whether this node held it and passed it on to somebody else: the engine is a third one's. */
export const isPassedOn = (grant: Grant): boolean => grant.is_given && grant.owner_name != null;
