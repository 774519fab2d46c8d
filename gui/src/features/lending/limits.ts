//! What the form of a grant holds, and the grant that it makes.
import type { GrantLimits } from '@/shared/api/types';

const DAY_MS = 86_400_000;
const MIB = 1_048_576;

/** How long a grant may hold, by its word. */
export const SPANS = { day: 1, week: 7, month: 30, quarter: 90, year: 365 } as const;
export type Span = keyof typeof SPANS | 'date';

/** A whole number of at least one; undefined for nothing, which limits nothing. */
export function wholeNumber(text: string): number | undefined | 'wrong' {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  return /^\d{1,12}$/.test(trimmed) && Number(trimmed) > 0 ? Number(trimmed) : 'wrong';
}

/** The limits as they stand in the fields. */
export type LimitTexts = {
  readonly calls: string;
  readonly atOnce: string;
  readonly minutes: string;
  readonly mib: string;
  readonly tokens: string;
};
export type LimitName = keyof LimitTexts;

export const LIMITS_FIRST: LimitTexts = { calls: '20', atOnce: '1', minutes: '', mib: '', tokens: '' };

/** The limits, and which fields hold something else than a number. Only who asks a model uses tokens. */
export function readLimits(
  texts: LimitTexts,
  asksModel: boolean,
): { readonly limits: GrantLimits; readonly wrong: readonly LimitName[] } {
  const wrong: LimitName[] = [];
  const read = (name: LimitName, unit: number): number | undefined => {
    const number = wholeNumber(texts[name]);
    if (number === 'wrong') {
      wrong.push(name);
      return undefined;
    }
    return number === undefined ? undefined : number * unit;
  };
  const names = (Object.keys(KEYS) as LimitName[]).filter((name) => asksModel || name !== 'tokens');
  const all = names.map((name) => [KEYS[name][0], read(name, KEYS[name][1])] as const);
  const limits = Object.fromEntries(all.filter(([, value]) => value !== undefined));
  return { limits, wrong };
}

/** The form of limits of which nothing is said. */
export const LIMITS_NONE: LimitTexts = { calls: '', atOnce: '', minutes: '', mib: '', tokens: '' };

const KEYS = {
  calls: ['calls_per_hour', 1],
  atOnce: ['concurrent', 1],
  minutes: ['seconds_per_day', 60],
  mib: ['bytes_per_day', MIB],
  tokens: ['tokens_per_day', 1],
} as const satisfies Record<LimitName, readonly [keyof GrantLimits, number]>;

/** What is allowed at most, in the units of the form: the largest whole number that stays within; undefined where nothing limits. */
export function mostOf(outer: GrantLimits, name: LimitName): number | undefined {
  const [key, unit] = KEYS[name];
  const most = outer[key];
  return most == null ? undefined : Math.floor(most / unit);
}

/** Which fields allow more than `outer` does. */
export const tooMuch = (texts: LimitTexts, outer: GrantLimits): LimitName[] =>
  (Object.keys(KEYS) as LimitName[]).filter((name) => {
    const [read, most] = [wholeNumber(texts[name]), mostOf(outer, name)];
    return typeof read === 'number' && most !== undefined && read > most;
  });

/** When it ends: a span from now, or the end of the day that was chosen; undefined while no day is. */
export function endOf(span: Span, date: string, now: number): number | undefined {
  if (span !== 'date') return now + SPANS[span] * DAY_MS;
  const [year, month, day] = date.split('-').map(Number);
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const end = new Date(year, month - 1, day, 23, 59, 59).getTime();
  return Number.isNaN(end) ? undefined : end;
}

/** A day as fields of dates take it, in the time of this place. */
export function dayText(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
