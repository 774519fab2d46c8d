import { type ReactNode, useMemo, useState } from 'react';
import type { Difference } from '@/shared/api/types';
import { inline } from '@/shared/data/shape';
import { count, duration, shortHash } from '@/shared/format/format';
import { splitRun } from '@/shared/history/view';
import { type Translate, useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Empty } from '@/shared/ui/states';
import { type Shown, stateLabel, stateTone } from '@/shared/ui/status';
import { grouped, isOnlyTime, type PortChanges, type RunChanges } from './compare-groups';
import { ComparedPages } from './compare-pages';
import { PairTable, Value } from './compare-pairs';

type DifferencesProps = {
  readonly all: readonly Difference[];
  /** The two runs, when it is two: their items can be read page by page. */
  readonly jobs?: readonly [before: string, after: string];
  readonly nameOf: (step: string) => string;
  readonly onStep: (step: string) => void;
};

/** What is not the same, step by step: first what is told in a line, then the items of each port. */
export function Differences({ all, jobs, nameOf, onStep }: DifferencesProps) {
  const t = useMessages();
  const runs = useMemo(() => grouped(all), [all]);
  if (all.length === 0) return <Empty title={t('compare.same')} />;
  const nameOfRun = (run: string) => {
    const { step, rounds } = splitRun(run);
    return `${nameOf(step)}${rounds.map((round) => ` [${round}]`).join('')}`;
  };
  const stepLink = (run: string) => (
    <button type="button" className="text-left hover:underline" onClick={() => onStep(splitRun(run).step)}>
      {nameOfRun(run)}
    </button>
  );
  const slower = runs.filter(isOnlyTime);
  return (
    <>
      {runs
        .filter((changes) => !isOnlyTime(changes))
        .map((changes) => {
          const name = changes.run === '' ? t('compare.whole') : nameOfRun(changes.run);
          return (
            <section key={changes.run} aria-label={name} className="border-b border-line px-3 py-2">
              <h3>{changes.run === '' ? name : stepLink(changes.run)}</h3>
              <FactTable facts={changes.facts} />
              {changes.ports.map((port) => (
                <Port key={port.port} changes={port} run={changes.run} jobs={jobs} name={name} />
              ))}
            </section>
          );
        })}
      {slower.length > 0 && (
        <section aria-label={t('compare.only_time')} className="border-b border-line px-3 py-2">
          <h3>{t('compare.only_time')}</h3>
          <FactTable facts={slower.flatMap((changes) => changes.facts)} nameOf={(fact) => stepLink(fact.run ?? '')} />
        </section>
      )}
    </>
  );
}

type FactTableProps = {
  readonly facts: RunChanges['facts'];
  /** What a line is called, when not by what differs. */
  readonly nameOf?: (fact: Difference) => ReactNode;
};

function FactTable({ facts, nameOf }: FactTableProps) {
  const t = useMessages();
  if (facts.length === 0) return null;
  return (
    <table className="w-full table-fixed">
      <thead className="sr-only">
        <tr>
          <th scope="col">{t('compare.what')}</th>
          <th scope="col">{t('compare.before')}</th>
          <th scope="col">{t('compare.after')}</th>
        </tr>
      </thead>
      <tbody>
        {facts.map((fact) => (
          <tr key={`${fact.run ?? ''} ${fact.kind} ${fact.place ?? ''}`} className="align-top">
            <th scope="row" className="w-[34%] py-1.5 pointer-coarse:py-3 text-left font-normal break-words text-muted">
              {nameOf?.(fact) ?? t(`compare.kind.${fact.kind}`)}{' '}
              {fact.place && <code className="font-mono text-meta">{fact.place}</code>}
            </th>
            <Side fact={fact} value={fact.before} tone="text-fail" />
            <Side fact={fact} value={fact.after} tone="text-ok" />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const STATES: ReadonlySet<Difference['kind']> = new Set(['state', 'status', 'run']);

function Side({ fact, value, tone }: { readonly fact: Difference; readonly value: unknown; readonly tone: string }) {
  const t = useMessages();
  if (STATES.has(fact.kind) && typeof value === 'string') {
    const state = value as Shown;
    return <td className={`px-2 py-1.5 pointer-coarse:py-3 ${stateTone(state)}`}>{t(stateLabel(state))}</td>;
  }
  return <Value value={said(t, fact, value)} tone={tone} />;
}

/** A value of a fact as it is shown; undefined when it is not there. */
function said(t: Translate, { kind }: Difference, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (kind === 'note' && value === '') return undefined;
  if (kind === 'duration' && typeof value === 'number') return duration(value);
  if (kind === 'input' && typeof value === 'number') return t('card.items', { count: value });
  if (kind === 'version' && typeof value === 'string') return shortHash(value);
  if (kind === 'error' && typeof value === 'object' && 'message' in value)
    return String(value.message).split('\n')[0] ?? '';
  return kind === 'error' ? inline(value) : value;
}

type PortProps = {
  readonly changes: PortChanges;
  readonly run: string;
  readonly jobs: DifferencesProps['jobs'];
  readonly name: string;
};

function Port({ changes, run, jobs, name }: PortProps) {
  const t = useMessages();
  const [isPaged, setPaged] = useState(false);
  const { port, counts, pairs, more, unread } = changes;
  const label = t('compare.items_of', { name, port });
  const known = pairs.length + more;
  return (
    <div className="mt-1.5">
      <h4 className="flex flex-wrap items-baseline gap-x-2">
        <span className="text-muted">{t('compare.out_of')}</span>
        <code className="font-mono text-meta">{port}</code>
        {counts && (
          <span className="font-normal">
            {t('compare.counts', { before: counts[0], after: counts[1] })}{' '}
            <span className="text-muted">({signed(counts[1] - counts[0])})</span>
          </span>
        )}
        {known > 0 && <span className="font-normal text-muted">{t('compare.differ', { count: known })}</span>}
      </h4>
      {isPaged && jobs ? (
        <ComparedPages of={{ before: jobs[0], after: jobs[1], run, port }} label={label} />
      ) : (
        <>
          {pairs.length > 0 && <PairTable pairs={pairs} label={label} />}
          {jobs && (more > 0 || unread) && (
            <p className="flex flex-wrap items-center gap-2 py-2 text-muted">
              <span className="min-w-0 flex-1 basis-40">
                {unread ? t('compare.unread', { count: Math.max(...unread) }) : t('compare.more', { count: more })}
              </span>
              <Button onClick={() => setPaged(true)}>{t('compare.page')}</Button>
            </p>
          )}
        </>
      )}
    </div>
  );
}

const signed = (change: number): string => `${change > 0 ? '+' : '−'}${count(Math.abs(change))}`;
