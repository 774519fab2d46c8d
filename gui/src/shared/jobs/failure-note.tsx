import type { ReactNode } from 'react';
import type { Failure } from '../api/types';
import { useMessages } from '../i18n/messages';
import { Prose } from '../ui/prose';

type FailureNoteProps = {
  readonly failure: Failure;
  readonly children?: ReactNode;
  /** What it is a failure of, when that is no longer what stands there. */
  readonly former?: string;
};

/** What went wrong in a step, where, and what to do about it; `children` are buttons beside the place. */
export function FailureNote({ failure, children, former }: FailureNoteProps) {
  const t = useMessages();
  const { message, place, hint, detail } = failure;
  return (
    <div
      role="note"
      className={`scroll-thin mx-3 mb-2 max-h-60 shrink-0 overflow-y-auto rounded-control border px-2.5 py-1.5 ${former === undefined ? 'border-fail' : 'border-dashed border-control'}`}
    >
      {former !== undefined && <p className="text-meta text-muted">{former}</p>}
      <p className={`font-semibold break-words ${former === undefined ? 'text-fail' : 'text-muted'}`}>
        <Prose text={message.split('\n')[0] ?? ''} />
      </p>
      {hint && (
        <p className="break-words text-muted">
          <Prose text={hint} />
        </p>
      )}
      {(place || children) && (
        <div className="flex flex-wrap items-center gap-2">
          {place && <p className="text-muted">{t('step.error.place', { place })}</p>}
          {children}
        </div>
      )}
      {detail && (
        <details>
          <summary className="text-muted">{t('step.error.more')}</summary>
          <pre tabIndex={0} className="scroll-thin max-h-40 overflow-auto font-mono text-meta whitespace-pre-wrap">
            {detail}
          </pre>
        </details>
      )}
    </div>
  );
}
