//! Numbers and times as people read them, in the language of the screen.
import { currentLocale } from '../i18n/messages';

const MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** A length of time from microseconds: `84 µs`, `12.4 ms`, `3.2 s`, `4 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(us: number): string {
  const number = (value: number, digits: number) =>
    value.toLocaleString(currentLocale(), { maximumFractionDigits: digits, minimumFractionDigits: 0 });
  const ms = us / 1_000;
  if (us < 1_000) return `${number(us, 0)} µs`;
  if (ms < 10) return `${number(ms, 1)} ms`;
  if (ms < MS.second) return `${number(ms, 0)} ms`;
  if (ms < MS.minute) return `${number(ms / MS.second, 1)} s`;
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (ms < MS.hour) return `${Math.floor(ms / MS.minute)} min ${two((ms % MS.minute) / MS.second)} s`;
  if (ms < MS.day) return `${Math.floor(ms / MS.hour)} h ${two((ms % MS.hour) / MS.minute)} min`;
  return `${Math.floor(ms / MS.day)} d ${Math.floor((ms % MS.day) / MS.hour)} h`;
}

/** From milliseconds: less than one is all that such a clock can say. */
export const durationMs = (ms: number): string => (ms < 1 ? '<1 ms' : duration(ms * 1_000));

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [count, 0];
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(currentLocale(), { maximumFractionDigits: digits })} ${units[unit]}`;
}

export const count = (value: number): string => value.toLocaleString(currentLocale());

const formats = new Map<string, Intl.DateTimeFormat>();

function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${currentLocale()} ${name}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(currentLocale(), { hourCycle: 'h23', ...options });
    formats.set(key, found);
  }
  return found;
}

/** `12:04:05` */
export const clock = (at: number): string =>
  format('clock', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(at);

/** `12:04:05.123` */
export const clockMs = (at: number): string =>
  format('clock-ms', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 }).format(at);

/** Today only the time, else the day as well. */
export function moment(at: number, now = Date.now()): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  if (isToday) return clock(at);
  return format('moment', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(at);
}

/** A moment when seconds say nothing: today `12:04`, else the day as well. */
export function minute(at: number, now = Date.now()): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  const time = { hour: '2-digit', minute: '2-digit' } as const;
  return isToday ? format('minute', time).format(at) : moment(at, now);
}

/** A day with its year, for what is far away. */
export const day = (at: number): string => format('day', { dateStyle: 'medium' }).format(at);

/** Everything, for titles and details. */
export const fullTime = (at: number): string => format('full', { dateStyle: 'medium', timeStyle: 'medium' }).format(at);

/** The end of an id: its beginning is the time and the same for all runs of a minute. */
export const shortId = (id: string): string => id.slice(-6);
export const shortHash = (hash: string): string => hash.slice(0, 8);
