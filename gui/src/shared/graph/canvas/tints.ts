import type { Colour } from '../scene';

/** The colours that people may give to notes and frames. Text on a wash keeps its contrast: a wash is thin. */
export const TINTS: Readonly<Record<Colour, { border: string; wash: string; dot: string }>> = {
  plain: { border: 'border-line', wash: 'bg-[color-mix(in_srgb,var(--raised)_60%,transparent)]', dot: 'bg-control' },
  accent: { border: 'border-accent/50', wash: 'bg-accent/8', dot: 'bg-accent' },
  ok: { border: 'border-ok/50', wash: 'bg-ok/8', dot: 'bg-ok' },
  wait: { border: 'border-wait/50', wash: 'bg-wait/8', dot: 'bg-wait' },
  fail: { border: 'border-fail/50', wash: 'bg-fail/8', dot: 'bg-fail' },
  pin: { border: 'border-pin/50', wash: 'bg-pin/8', dot: 'bg-pin' },
  remote: { border: 'border-remote/50', wash: 'bg-remote/8', dot: 'bg-remote' },
};
