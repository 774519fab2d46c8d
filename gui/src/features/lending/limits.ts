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
  const read = (name: LimitName, unit = 1): number | undefined => {
    const number = wholeNumber(texts[name]);
    if (number === 'wrong') {
      wrong.push(name);
      return undefined;
    }
    return number === undefined ? undefined : number * unit;
  };
  const all = {
    calls_per_hour: read('calls'),
    concurrent: read('atOnce'),
    seconds_per_day: read('minutes', 60),
    bytes_per_day: read('mib', MIB),
    tokens_per_day: asksModel ? read('tokens') : undefined,
  };
  const limits = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return { limits, wrong };
}

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
