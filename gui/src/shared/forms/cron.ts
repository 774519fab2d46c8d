//! When a cron expression fires next. Five fields (minute hour day month weekday), or six with seconds first.

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

type Parsed = {
  readonly seconds: ReadonlySet<number>;
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly weekdays: ReadonlySet<number>;
  /** Cron's oddity: with both a day and a weekday named, either is enough. */
  readonly isEither: boolean;
};

function numbers(text: string, least: number, most: number, names: readonly string[] = []): Set<number> | undefined {
  const found = new Set<number>();
  const read = (word: string): number => {
    const name = names.indexOf(word.toLowerCase());
    return name >= 0 ? name + least : /^\d+$/.test(word) ? Number(word) : Number.NaN;
  };
  for (const part of text.split(',')) {
    const [range = '', every] = part.split('/');
    const step = every === undefined ? 1 : Number(every);
    if (!Number.isInteger(step) || step < 1) return undefined;
    const [first = '', last] = range === '*' || range === '?' ? [String(least), String(most)] : range.split('-');
    const from = read(first);
    const to = last === undefined ? (every === undefined ? from : most) : read(last);
    if (!(from >= least && to <= most && from <= to)) return undefined;
    for (let at = from; at <= to; at += step) found.add(at);
  }
  return found;
}

/** What an expression asks for; undefined when it cannot be read. */
export function readCron(expression: string): Parsed | undefined {
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) return undefined;
  const [second = '0', minute = '', hour = '', day = '', month = '', weekday = ''] =
    fields.length === 6 ? fields : ['0', ...fields];
  const parsed = {
    seconds: numbers(second, 0, 59),
    minutes: numbers(minute, 0, 59),
    hours: numbers(hour, 0, 23),
    days: numbers(day, 1, 31),
    months: numbers(month, 1, 12, MONTHS),
    weekdays: numbers(weekday.replace(/\b7\b/g, '0'), 0, 6, DAYS),
  };
  const { seconds, minutes, hours, days, months, weekdays } = parsed;
  if (!seconds || !minutes || !hours || !days || !months || !weekdays) return undefined;
  const isAny = (text: string) => text.startsWith('*') || text === '?';
  return { seconds, minutes, hours, days, months, weekdays, isEither: !isAny(day) && !isAny(weekday) };
}

const YEARS_MAX = 8;

/** The next times after `from`, in this browser's time zone. Fewer when there are none within eight years. */
export function nextTimes(expression: string, from: Date, count: number): Date[] {
  const cron = readCron(expression);
  if (!cron) return [];
  const found: Date[] = [];
  const end = from.getFullYear() + YEARS_MAX;
  const at = new Date(from);
  at.setMilliseconds(0);
  at.setSeconds(at.getSeconds() + 1);
  while (found.length < count && at.getFullYear() < end) {
    if (!cron.months.has(at.getMonth() + 1)) at.setTime(new Date(at.getFullYear(), at.getMonth() + 1, 1).getTime());
    else if (!dayFits(cron, at)) at.setTime(new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1).getTime());
    else if (!cron.hours.has(at.getHours())) at.setHours(at.getHours() + 1, 0, 0);
    else if (!cron.minutes.has(at.getMinutes())) at.setMinutes(at.getMinutes() + 1, 0);
    else if (!cron.seconds.has(at.getSeconds())) at.setSeconds(at.getSeconds() + 1);
    else {
      found.push(new Date(at));
      at.setSeconds(at.getSeconds() + 1);
    }
  }
  return found;
}

function dayFits(cron: Parsed, at: Date): boolean {
  const day = cron.days.has(at.getDate());
  const weekday = cron.weekdays.has(at.getDay());
  return cron.isEither ? day || weekday : day && weekday;
}
