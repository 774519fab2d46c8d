import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { X } from 'lucide-react';
import { useMemo } from 'react';
import { diffQuery } from '@/shared/api/requests/job-diff';
import { fetchJobs, NO_FILTER } from '@/shared/api/requests/jobs';
import type { Difference } from '@/shared/api/types';
import { inline } from '@/shared/data/shape';
import { duration, moment, shortId } from '@/shared/format/format';
import type { Timeline } from '@/shared/history/timeline';
import { splitRun } from '@/shared/history/view';
import { type Translate, useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { Field, Select } from '@/shared/ui/field';
import { Empty, Ready } from '@/shared/ui/states';
import { stateLabel } from '@/shared/ui/status';
import { diffViews } from './compare-points';

type ComparePanelProps = {
  readonly job: string;
  readonly preset: string;
  readonly timeline: Timeline;
  readonly seq: number;
  readonly pin: number | undefined;
  readonly other: string | undefined;
  readonly nameOf: (step: string) => string;
  readonly onPin: (seq: number | undefined) => void;
  readonly onOther: (job: string | undefined) => void;
  readonly onClose: () => void;
};

/** What is not the same: at two points of this run, or in two runs. */
export function ComparePanel(props: ComparePanelProps) {
  const { job, preset, timeline, seq, pin, other, nameOf, onPin, onOther, onClose } = props;
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
      <div className="flex flex-col gap-3 border-b border-line p-3">
        <div className="flex flex-wrap items-center gap-2">
          <Button onClick={() => onPin(seq)}>{t('compare.pin', { seq })}</Button>
          {pin !== undefined && <span className="text-muted">{t('compare.points', { from: pin, to: seq })}</span>}
        </div>
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
      <div
        className="scroll-thin min-h-0 flex-1 overflow-auto"
        tabIndex={0}
        role="group"
        aria-label={t('compare.result')}
      >
        {other !== undefined ? (
          <TwoRuns job={job} other={other} nameOf={nameOf} />
        ) : pin !== undefined ? (
          <TwoPoints timeline={timeline} pin={pin} seq={seq} nameOf={nameOf} />
        ) : (
          <Empty title={t('compare.nothing')}>
            <p>{t('compare.nothing.hint')}</p>
          </Empty>
        )}
      </div>
    </section>
  );
}

function TwoPoints({
  timeline,
  pin,
  seq,
  nameOf,
}: {
  timeline: Timeline;
  pin: number;
  seq: number;
  nameOf: (step: string) => string;
}) {
  // `at` keeps only the last view that was asked for, so the pinned one is held here.
  const before = useMemo(() => timeline.at(pin), [timeline, pin]);
  const found = useMemo(() => diffViews(before, timeline.at(seq)), [before, timeline, seq]);
  return <Differences all={found} nameOf={nameOf} />;
}

function TwoRuns({
  job,
  other,
  nameOf,
}: {
  readonly job: string;
  readonly other: string;
  readonly nameOf: (step: string) => string;
}) {
  const t = useMessages();
  const diff = useQuery(diffQuery(other, job));
  return (
    <>
      <p className="px-3 pt-3 text-muted">
        {t('compare.runs')}{' '}
        <Link to="/runs/$job" params={{ job: other }} className="text-accent underline">
          {shortId(other)}
        </Link>
      </p>
      <Ready of={diff}>{(found) => <Differences all={found} nameOf={nameOf} />}</Ready>
    </>
  );
}

function shown(t: Translate, difference: Difference, value: unknown): string {
  if (value === null || value === undefined || value === '') return t('compare.absent');
  if (difference.kind === 'duration' && typeof value === 'number') return duration(value);
  if (difference.kind === 'error' && typeof value === 'object' && 'message' in value)
    return String(value.message).split('\n')[0] ?? '';
  return inline(value);
}

function Differences({
  all,
  nameOf,
}: {
  readonly all: readonly Difference[];
  readonly nameOf: (step: string) => string;
}) {
  const t = useMessages();
  const groups = new Map<string, Difference[]>();
  for (const difference of all) {
    const list = groups.get(difference.run ?? '') ?? [];
    list.push(difference);
    groups.set(difference.run ?? '', list);
  }
  if (all.length === 0) return <Empty title={t('compare.same')} />;
  return [...groups].map(([run, list]) => {
    const { step, rounds } = splitRun(run);
    return (
      <div key={run} className="border-b border-line px-3 py-2">
        <h3>{run ? `${nameOf(step)}${rounds.map((round) => `[${round}]`).join('')}` : t('compare.whole')}</h3>
        <dl>
          {list.map((difference, at) => (
            <div key={at} className="mt-1 grid grid-cols-[7rem_1fr] gap-x-2">
              <dt className="text-muted">
                {t(`compare.kind.${difference.kind}`)}{' '}
                <code className="font-mono text-meta">
                  {[difference.port, difference.place].filter(Boolean).join(' ')}
                </code>
              </dt>
              <dd className="min-w-0 break-words">
                <span className="text-fail line-through decoration-1">{shown(t, difference, difference.before)}</span>
                <br />
                <span className="text-ok">{shown(t, difference, difference.after)}</span>
              </dd>
            </div>
          ))}
        </dl>
      </div>
    );
  });
}
