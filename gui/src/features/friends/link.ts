//! Links of invitations as people paste them.

const LINK = /flowork:\/\/join\/[\w-]+/;

/** Mail programs break lines there, if at all. */
const BROKEN_AT = { least: 60, most: 80 } as const;

/** The link in a text: messengers put words around it, mails break its line. */
export function linkIn(text: string): string {
  const whole = text.trim();
  const start = whole.indexOf('flowork://join/');
  if (start < 0) return whole;
  const [first = '', ...lines] = whole.slice(start).split(/\r?\n/);
  let found = first;
  let last = first;
  for (const line of lines) {
    const isBroken = last.length >= BROKEN_AT.least && last.length <= BROKEN_AT.most && /^[\w-]+$/.test(line.trim());
    if (!isBroken) break;
    last = line.trim();
    found += last;
  }
  return LINK.exec(found)?.[0] ?? whole;
}

/** What goes wrong when somebody joins, by the node's word for it: what to do then. */
export const TROUBLES = {
  'invitation-invalid': 'friends.trouble.invalid',
  'invitation-own': 'friends.trouble.own',
  'invitation-unknown': 'friends.trouble.unknown',
  'invitation-used': 'friends.trouble.used',
  'invitation-expired': 'friends.trouble.expired',
  'peer-away': 'friends.trouble.away',
  'peer-broke': 'friends.trouble.broke',
} as const;

/** The word for what went wrong: a link that is over reads as one, whoever noticed. */
export function troubleOf(code: string, detail: string): (typeof TROUBLES)[keyof typeof TROUBLES] | undefined {
  if (code === 'invitation-invalid' && /has ended/.test(detail)) return TROUBLES['invitation-expired'];
  return Object.hasOwn(TROUBLES, code) ? TROUBLES[code as keyof typeof TROUBLES] : undefined;
}
