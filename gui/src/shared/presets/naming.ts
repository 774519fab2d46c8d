//! Names of workflows: 1–64 characters of `a-z 0-9 -`, unlike those of all other drafts.

const CHARS_MAX = 64;

/** A name made of a title: `What a log says, by day` is `what-a-log-says-by-day`. */
export function nameFrom(title: string): string {
  const plain = title
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, CHARS_MAX)
    .replace(/^-+|-+$/g, '');
  return plain || 'workflow';
}

/** `name`, or with the first number behind it that nobody has: `report-2`. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  const stem = name.replace(/-\d+$/, '');
  for (let number = 2; ; number += 1) {
    const end = `-${number}`;
    const next = `${stem.slice(0, CHARS_MAX - end.length).replace(/-+$/, '')}${end}`;
    if (!taken.has(next)) return next;
  }
}
