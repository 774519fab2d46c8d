import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Pin, X } from 'lucide-react';
import { useMemo } from 'react';
import { diffQuery } from '@/shared/api/requests/job-diff';
import { fetchJobs, NO_FILTER } from '@/shared/api/requests/jobs';
import { moment, shortId } from '@/shared/format/format';
import type { Timeline } from '@/shared/history/timeline';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { Field, Select } from '@/shared/ui/field';
import { Empty, Ready } from '@/shared/ui/states';
import { stateLabel } from '@/shared/ui/status';
import { Differences } from './compare-differences';
import { diffViews } from './compare-points';

type ComparePanelProps = {
  readonly job: string;
  readonly preset: string;
  readonly timeline: Timeline;
  readonly seq: number;
  readonly pin: number | undefined;
  readonly other: string | undefined;
  readonly nameOf: (step: string) => string;
  readonly onStep: (step: string) => void;
  readonly onPin: (seq: number | undefined) => void;
  readonly onOther: (job: string | undefined) => void;
  readonly onClose: () => void;
};

/** What is not the same: at two points of this run, or in two runs. */
export function ComparePanel(props: ComparePanelProps) {
  const { job, preset, timeline, seq, pin, other, nameOf, onStep, onPin, onOther, onClose } = props;
  const t = useMessages();
  const others = useQuery({
    queryKey: ['recent', 'of', preset],
    queryFn: ({ signal }) => fetchJobs({ ...NO_FILTER, preset }, undefined, 50, signal),
  });
  const choices = (others.data?.jobs ?? []).filter((it) => it.id !== job);
  return (
    <section aria-label={t('compare.title')} className="flex h-full min-h-0 flex-col bg-surface">
      <header className="flex items-center gap-2 px-3 pt-2">
        <h2 className="flex-1 text-title">{t('compare.title')}</h2>
        <IconButton label={t('common.close')} onClick={onClose}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </header>
      <div className="flex flex-wrap items-end gap-x-4 gap-y-3 border-b border-line p-3 pt-1">
        <div className="flex min-w-40 flex-1 flex-col">
          <Field label={t('compare.other')}>
            {(ids) => (
              <Select {...ids} value={other ?? ''} onChange={(event) => onOther(event.target.value || undefined)}>
                <option value="">{t('compare.other.none')}</option>
                {other && !choices.some((it) => it.id === other) && <option value={other}>{shortId(other)}</option>}
                {choices.map((it) => (
                  <option key={it.id} value={it.id}>
                    {shortId(it.id)} · {t(stateLabel(it.state))} · {moment(it.accepted_at)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        <div className="flex flex-col gap-1">
          <span className="font-semibold">{t('compare.moment')}</span>
          <Button onClick={() => onPin(seq)}>
            <Pin aria-hidden className="size-4" />
            {t('compare.pin', { seq })}
          </Button>
        </div>
      </div>
      <div
        className="scroll-thin min-h-0 flex-1 overflow-auto"
        tabIndex={0}
        role="group"
        aria-label={t('compare.result')}
      >
        {other !== undefined ? (
          <TwoRuns job={job} other={other} nameOf={nameOf} onStep={onStep} />
        ) : pin !== undefined ? (
          <TwoPoints timeline={timeline} pin={pin} seq={seq} nameOf={nameOf} onStep={onStep} />
        ) : (
          <Empty title={t('compare.nothing')}>
            <p>{t('compare.nothing.hint')}</p>
          </Empty>
        )}
      </div>
    </section>
  );
}

type Shared = Pick<ComparePanelProps, 'nameOf' | 'onStep'>;
type PointsProps = Shared & { readonly timeline: Timeline; readonly pin: number; readonly seq: number };

function TwoPoints({ timeline, pin, seq, ...shared }: PointsProps) {
  const t = useMessages();
  // `at` keeps only the last view that was asked for, so the pinned one is held here.
  const before = useMemo(() => timeline.at(pin), [timeline, pin]);
  const found = useMemo(() => diffViews(before, timeline.at(seq)), [before, timeline, seq]);
  return (
    <>
      <p className="border-b border-line px-3 py-2 text-muted">{t('compare.points', { from: pin, to: seq })}</p>
      <Differences all={found} {...shared} />
    </>
  );
}

function TwoRuns({ job, other, ...shared }: Shared & { readonly job: string; readonly other: string }) {
  const t = useMessages();
  const diff = useQuery(diffQuery(other, job));
  return (
    <>
      <p className="border-b border-line px-3 py-2 text-muted">
        {t('compare.runs')}{' '}
        <Link to="/runs/$job" params={{ job: other }} className="text-accent underline">
          {shortId(other)}
        </Link>
        {t('compare.runs.after')}
      </p>
      <Ready of={diff}>{(found) => <Differences key={other} all={found} jobs={[other, job]} {...shared} />}</Ready>
    </>
  );
}
