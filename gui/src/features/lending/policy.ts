//! When an engine is lent: in words, and as the fields of its dialog hold it.
import type { Engine, Hours, Policy } from '@/shared/api/types';
import { currentLocale, type Translate } from '@/shared/i18n/messages';

/** The longest name of a program, in bytes as the node counts. */
const NAME_BYTES_MAX = 64;
/** What is there first where no hours were said. */
const HOURS_FIRST: Hours = { from: '22:00', to: '07:00' };

/** A time of day as fields take it: `7:00` is `07:00`. */
export const timeText = (time: string): string => time.padStart(5, '0');

/** *From 22:00 to 07:00 · not while blender runs*; undefined at any time. */
export function whenWords(t: Translate, policy: Policy | undefined): string | undefined {
  const { hours, not_while: names = [] } = policy ?? {};
  const programs = new Intl.ListFormat(currentLocale(), { type: 'disjunction' }).format(names);
  if (!hours) return names.length === 0 ? undefined : t('when.is_not_while', { programs });
  const { from, to } = { from: timeText(hours.from), to: timeText(hours.to) };
  return names.length === 0 ? t('when.is_hours', { from, to }) : t('when.is_both', { from, to, programs });
}

/** Why it takes no runs now: the node says *until 22:00* or *while blender runs*. Undefined when it takes some. */
export function heldWords(t: Translate, held: string | null | undefined): string | undefined {
  if (held == null) return undefined;
  const [, time] = /^until (\d{1,2}:\d\d)$/.exec(held) ?? [];
  if (time !== undefined) return t('when.held.until', { time: timeText(time) });
  const [, program] = /^while (.+) runs$/s.exec(held) ?? [];
  return program === undefined ? t('when.held') : t('when.held.while', { program });
}

/** What becomes of what goes on when the engine is lent no longer: it depends on what it does. */
export function thenWords(t: Translate, offers: Engine['offers']): string {
  const kinds = new Set(Object.values(offers).map((it) => it.kind));
  if (!kinds.has('chat')) return t('when.then.runs');
  return t(kinds.has('run') ? 'when.then.both' : 'when.then.model');
}

/** A program by the name of its file; undefined while none is typed. */
export function programName(typed: string): string | undefined | 'wrong' {
  const name = typed.trim();
  if (name === '') return undefined;
  return name.includes('/') || new TextEncoder().encode(name).length > NAME_BYTES_MAX ? 'wrong' : name;
}

/** The dialog's fields. */
export type PolicyTexts = {
  readonly isAnyTime: boolean;
  readonly from: string;
  readonly to: string;
  readonly programs: readonly string[];
  /** What is typed and not added yet. */
  readonly program: string;
};

export function policyTexts(policy: Policy | undefined): PolicyTexts {
  const { from, to } = policy?.hours ?? HOURS_FIRST;
  const isAnyTime = policy?.hours == null;
  return { isAnyTime, from: timeText(from), to: timeText(to), programs: policy?.not_while ?? [], program: '' };
}

/** With what is typed among the programs, once; the same when that is none. */
export function withProgram(texts: PolicyTexts): PolicyTexts {
  const name = programName(texts.program);
  if (name === undefined || name === 'wrong') return texts;
  return { ...texts, programs: [...new Set([...texts.programs, name])], program: '' };
}

/** The policy, with a program that was typed and not added; undefined while something is missing or wrong. */
export function readPolicy(texts: PolicyTexts): Policy | undefined {
  const { isAnyTime, from, to } = texts;
  if (programName(texts.program) === 'wrong') return undefined;
  if (!isAnyTime && (from === '' || to === '' || from === to)) return undefined;
  return { hours: isAnyTime ? null : { from, to }, not_while: [...withProgram(texts).programs] };
}
