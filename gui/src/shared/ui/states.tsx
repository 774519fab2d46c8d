import { CloudOff, Inbox, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiError, Unreachable } from '../api/problem';
import { type Translate, useMessages } from '../i18n/messages';
import { Button } from './button';
import { Prose } from './prose';

type StateProps = {
  readonly icon: ReactNode;
  readonly title: string;
  readonly children?: ReactNode;
  readonly role?: 'alert' | 'status';
};

function State({ icon, title, children, role }: StateProps) {
  return (
    <div role={role} className="mx-auto flex max-w-120 flex-col items-center gap-2 px-4 py-12 text-center">
      <span className="text-muted [&>svg]:size-8">{icon}</span>
      <p className="text-title font-semibold">{title}</p>
      {children && <div className="flex flex-col items-center gap-3 text-muted">{children}</div>}
    </div>
  );
}

/** Nothing is there. `children` say what to do about it. */
export function Empty({ title, icon, children }: { title: string; icon?: ReactNode; children?: ReactNode }) {
  return (
    <State icon={icon ?? <Inbox aria-hidden />} title={title}>
      {children}
    </State>
  );
}

/** Grey bars where lines will be; said aloud once. */
export function Loading({ lines = 6 }: { readonly lines?: number }) {
  const t = useMessages();
  return (
    <div role="status" className="flex flex-col gap-3 p-4">
      <span className="sr-only">{t('common.loading')}</span>
      {Array.from({ length: lines }, (_, line) => (
        <span
          key={line}
          className="h-4 animate-pulse rounded-control bg-raised"
          style={{ width: `${92 - ((line * 17) % 40)}%` }}
        />
      ))}
    </div>
  );
}

/** What went wrong in a sentence: the node's words, but where it lists problems of a workflow, how many there are. */
function saidOf(t: Translate, error: unknown): string {
  if (error instanceof Unreachable) return t('offline.title');
  const count = error instanceof ApiError ? (error.details.problems ?? []).length : 0;
  if (count > 0) return t('error.problems', { count });
  return error instanceof Error ? error.message : String(error);
}

/** What went wrong, and what to do. */
export function Failed({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const t = useMessages();
  const again = retry && <Button onClick={retry}>{t('common.retry')}</Button>;
  if (error instanceof Unreachable) {
    return (
      <State role="alert" icon={<CloudOff aria-hidden />} title={t('offline.title')}>
        <p>
          <Prose text={t('offline.hint')} />
        </p>
        {again}
      </State>
    );
  }
  return (
    <State role="alert" icon={<TriangleAlert aria-hidden />} title={t('error.title')}>
      <p className="text-text">
        <Prose text={saidOf(t, error)} />
      </p>
      <Advice error={error} />
      {again}
    </State>
  );
}

const PROBLEMS_SHOWN = 5;

/** What the node says beside the error: for a workflow every problem with its place, else what to do. */
function Advice({ error }: { readonly error: unknown }) {
  if (!(error instanceof ApiError)) return null;
  const problems = error.details.problems ?? [];
  if (problems.length === 0) {
    if (!error.hint) return null;
    return (
      <span className="block text-muted">
        <Prose text={error.hint} />
      </span>
    );
  }
  return problems.slice(0, PROBLEMS_SHOWN).map((problem) => (
    <span key={`${problem.place} ${problem.code}`} className="block text-text">
      <Prose text={problem.message} /> <code className="font-mono text-meta text-muted">{problem.place}</code>
    </span>
  ));
}

/** One line about something that went wrong beside what is shown. */
export function Problem({ error }: { readonly error: unknown }) {
  const t = useMessages();
  if (!error) return null;
  return (
    <p role="alert" className="flex items-start gap-2 text-fail">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
      <span>
        <Prose text={saidOf(t, error)} />
        <Advice error={error} />
      </span>
    </p>
  );
}

/** Parts of a page that are this small say in a line what went wrong. */
const SMALL_LINES = 3;

function FailedLine({ error, retry }: { readonly error: unknown; readonly retry: () => void }) {
  const t = useMessages();
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 py-1">
      <Problem error={error} />
      <Button look="quiet" onClick={retry}>
        {t('common.retry')}
      </Button>
    </div>
  );
}

type Loaded<T> = { readonly data: T | undefined; readonly error: unknown; readonly refetch: () => unknown };

/** The three ways a request can stand; what is there is shown even while a later look at it fails. */
export function Ready<T>({ of, children, lines }: { of: Loaded<T>; children: (data: T) => ReactNode; lines?: number }) {
  if (of.data !== undefined) return children(of.data);
  if (of.error && lines !== undefined && lines <= SMALL_LINES)
    return <FailedLine error={of.error} retry={() => of.refetch()} />;
  if (of.error) return <Failed error={of.error} retry={() => of.refetch()} />;
  return <Loading lines={lines} />;
}
