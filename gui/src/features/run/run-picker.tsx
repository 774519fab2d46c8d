import { ChevronLeft, ChevronRight } from 'lucide-react';
import { count } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { IconButton } from '@/shared/ui/button';
import { Input, Select } from '@/shared/ui/field';

/** More than so many are walked through and not listed. */
const LISTED_MAX = 60;

type RunPickerProps = {
  readonly step: string;
  /** All runs of the step up to the moment, oldest first, as `step[2]`. */
  readonly runs: readonly string[];
  readonly run: string | undefined;
  readonly onRun: (run: string) => void;
};

/** Which run of a step that ran several times is looked at. */
export function RunPicker({ step, runs, run, onRun }: RunPickerProps) {
  const t = useMessages();
  if (runs.length <= LISTED_MAX) {
    return (
      <Select aria-label={t('step.run')} className="w-28!" value={run} onChange={(event) => onRun(event.target.value)}>
        {runs.map((it) => (
          <option key={it} value={it}>
            {it.slice(step.length)}
          </option>
        ))}
      </Select>
    );
  }
  const at = run === undefined ? -1 : runs.indexOf(run);
  const go = (to: number) => {
    const next = runs[Math.max(0, Math.min(to, runs.length - 1))];
    if (next !== undefined) onRun(next);
  };
  return (
    <span role="group" aria-label={t('step.run')} className="flex items-center">
      <IconButton label={t('step.run.previous')} disabled={at <= 0} onClick={() => go(at - 1)}>
        <ChevronLeft aria-hidden className="size-4" />
      </IconButton>
      <Input
        type="number"
        aria-label={t('step.run.number', { total: runs.length })}
        className="w-20! text-right"
        min={1}
        max={runs.length}
        value={at + 1}
        onChange={(event) => event.target.value && go(Number(event.target.value) - 1)}
      />
      <span aria-hidden className="px-1 text-meta text-muted">
        / {count(runs.length)}
      </span>
      <IconButton label={t('step.run.next')} disabled={at >= runs.length - 1} onClick={() => go(at + 1)}>
        <ChevronRight aria-hidden className="size-4" />
      </IconButton>
    </span>
  );
}
