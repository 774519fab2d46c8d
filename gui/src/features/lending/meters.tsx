import type { Grant } from '@/shared/api/types';
import { bytes, count, durationMs } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';

/** How much of a grant is used up now: a bar where there is a limit, else only the number. */
export function Meters({ grant: { used, limits } }: { readonly grant: Grant }) {
  const t = useMessages();
  const seconds = (value: number) => durationMs(value * 1_000);
  const all = [
    { label: t('meter.running'), value: used.running, most: limits.concurrent, write: count, always: true },
    { label: t('meter.calls'), value: used.calls_this_hour, most: limits.calls_per_hour, write: count, always: true },
    { label: t('meter.work'), value: used.seconds_today, most: limits.seconds_per_day, write: seconds },
    { label: t('meter.data'), value: used.bytes_today, most: limits.bytes_per_day, write: bytes },
    { label: t('meter.tokens'), value: used.tokens_today, most: limits.tokens_per_day, write: count },
  ];
  return (
    <ul className="flex flex-wrap gap-x-5 gap-y-1 pt-1.5">
      {all
        .filter((it) => it.always || it.most != null || it.value > 0)
        .map((it) => (
          <Meter key={it.label} {...it} most={it.most ?? undefined} />
        ))}
    </ul>
  );
}

type MeterProps = {
  readonly label: string;
  readonly value: number;
  readonly most: number | undefined;
  readonly write: (value: number) => string;
};

/** From here on a limit is nearly used up. */
const NEARLY = 0.8;

function Meter({ label, value, most, write }: MeterProps) {
  const t = useMessages();
  const said = most === undefined ? write(value) : t('meter.of', { value: write(value), most: write(most) });
  const part = most === undefined ? 0 : Math.min(1, value / most);
  const tone = part >= 1 ? 'bg-fail' : part >= NEARLY ? 'bg-wait' : 'bg-accent';
  return (
    <li className="min-w-32 text-meta">
      <span className="text-muted">{label}</span> <span className="tabular-nums">{said}</span>
      {most !== undefined && (
        <span
          role="meter"
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={most}
          aria-valuenow={Math.min(value, most)}
          aria-valuetext={said}
          className="mt-0.5 block h-1.5 overflow-hidden rounded-full bg-raised"
        >
          <span className={`block h-full origin-left ${tone}`} style={{ width: `${part * 100}%` }} />
        </span>
      )}
    </li>
  );
}
