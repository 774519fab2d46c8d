//! When an engine is lent: in words, and as the fields of its dialog hold it.
import type { Engine, Hours, Policy } from '@/shared/api/types';
import { currentLocale, type Translate } from '@/shared/i18n/messages';
import { wholeNumber } from './limits';

/** The longest name of a program, in bytes as the node counts. */
const NAME_BYTES_MAX = 64;
/** What is there first where no hours were said. */
const HOURS_FIRST: Hours = { from: '22:00', to: '07:00' };

/** A time of day as fields take it: `7:00` is `07:00`. */
export const timeText = (time: string): string => time.padStart(5, '0');

/** *From 22:00 to 07:00 · not while blender runs*; undefined at any time. */
export function whenWords(t: Translate, policy: Policy | undefined): string | undefined {
  if (!policy) return undefined;
  const { hours, not_while: names = [], away_minutes: minutes } = policy;
  const parts: string[] = [];
  if (hours) parts.push(t('when.is_hours', { from: timeText(hours.from), to: timeText(hours.to) }));
  if (minutes != null) parts.push(t('when.is_away', { minutes }));
  if (names.length > 0) {
    const programs = new Intl.ListFormat(currentLocale(), { type: 'disjunction' }).format(names);
    parts.push(t('when.is_not_while', { programs }));
  }
  if (policy.not_full_screen) parts.push(t('when.is_not_full_screen'));
  for (const name of CAP_NAMES) {
    const most = policy[CAPS[name].field];
    if (most != null) parts.push(t(`when.is_${name}`, { most }));
  }
  const words = parts.join(' · ');
  return words === '' ? undefined : words.charAt(0).toLocaleUpperCase(currentLocale()) + words.slice(1);
}

/** What the node says of a cap: how far above it the machine is, and that it rests below it. */
const HELD_BY = [
  { pattern: /^while (\d+) % of its memory is in use$/, words: 'when.held.memory' },
  { pattern: /^while its graphics card is (\d+) % busy$/, words: 'when.held.gpu' },
  { pattern: /^while (\d+) % of its graphics memory is in use$/, words: 'when.held.gpu_memory' },
  { pattern: /^while it draws (\d+) W$/, words: 'when.held.watts' },
  { pattern: /^until nobody has used the machine for (\d+) min$/, words: 'when.held.away' },
  { pattern: /^until .+ for a while$/, words: 'when.held.rests' },
  { pattern: /^while the machine is in use$/, words: 'when.held.in_use' },
  { pattern: /^while a program fills the screen$/, words: 'when.held.full_screen' },
  { pattern: /^until the machine has been looked at$/, words: 'when.held.looked' },
  { pattern: /^because (.+)$/s, words: 'when.held.unknown' },
] as const;

/** Why it takes no runs now: the node says *until 22:00* or *while blender runs*. Undefined when it takes some. */
export function heldWords(t: Translate, held: string | null | undefined): string | undefined {
  if (held == null) return undefined;
  const [, time] = /^until (\d{1,2}:\d\d)$/.exec(held) ?? [];
  if (time !== undefined) return t('when.held.until', { time: timeText(time) });
  for (const { pattern, words } of HELD_BY) {
    const found = pattern.exec(held);
    if (found) return t(words, { value: found[1] ?? '' });
  }
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

/** What numbers of the machine an engine waits for, and what it draws, by the names of their fields. */
export const CAPS = {
  memory: { field: 'memory_percent', most: 99 },
  gpu: { field: 'gpu_percent', most: 99 },
  gpu_memory: { field: 'gpu_memory_percent', most: 99 },
  watts: { field: 'watts', most: 10_000 },
} as const;
export type CapName = keyof typeof CAPS;
export const CAP_NAMES = Object.keys(CAPS) as CapName[];

const NUMBERS = {
  ...CAPS,
  away: { field: 'away_minutes', most: 1_440 },
  draws: { field: 'power_watts', most: 10_000 },
} as const;
export type NumberName = keyof typeof NUMBERS;
const NUMBER_NAMES = Object.keys(NUMBERS) as NumberName[];

/** The most that a field takes. */
export const mostOf = (name: NumberName): number => NUMBERS[name].most;

/** What is typed as a number; undefined for nothing. */
export function policyNumber(name: NumberName, typed: string): number | undefined | 'wrong' {
  const number = wholeNumber(typed);
  return typeof number === 'number' && number > mostOf(name) ? 'wrong' : number;
}

/** The dialog's fields. */
export type PolicyTexts = {
  readonly isAnyTime: boolean;
  readonly from: string;
  readonly to: string;
  readonly programs: readonly string[];
  /** What is typed and not added yet. */
  readonly program: string;
  readonly notFullScreen: boolean;
  readonly numbers: Readonly<Record<NumberName, string>>;
};

export function policyTexts(policy: Policy | undefined): PolicyTexts {
  const { from, to } = policy?.hours ?? HOURS_FIRST;
  const isAnyTime = policy?.hours == null;
  const text = (name: NumberName) => [name, String(policy?.[NUMBERS[name].field] ?? '')];
  return {
    isAnyTime,
    from: timeText(from),
    to: timeText(to),
    programs: policy?.not_while ?? [],
    program: '',
    notFullScreen: policy?.not_full_screen ?? false,
    numbers: Object.fromEntries(NUMBER_NAMES.map(text)) as PolicyTexts['numbers'],
  };
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
  const number = (name: NumberName) => policyNumber(name, texts.numbers[name]);
  if (NUMBER_NAMES.some((name) => number(name) === 'wrong')) return undefined;
  const read = (name: NumberName) => [NUMBERS[name].field, number(name) ?? null];
  return {
    hours: isAnyTime ? null : { from, to },
    not_while: [...withProgram(texts).programs],
    not_full_screen: texts.notFullScreen,
    ...Object.fromEntries(NUMBER_NAMES.map(read)),
  };
}
