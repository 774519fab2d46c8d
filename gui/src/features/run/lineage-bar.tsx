import { ChevronLeft, X } from 'lucide-react';
import { Fragment } from 'react';
import { count } from '@/shared/format/format';
import { type Translate, useMessages } from '@/shared/i18n/messages';
import { IconButton } from '@/shared/ui/button';
import type { Hop } from './lineage';

type LineageBarProps = {
  readonly hops: readonly Hop[];
  readonly nameOf: (step: string) => string;
  readonly onGo: (hop: Extract<Hop, { kind: 'item' }>) => void;
  readonly onClose: () => void;
};

function said(t: Translate, hop: Exclude<Hop, { kind: 'item' }>): string {
  if (hop.kind === 'given') return t('data.from.given', { index: hop.index + 1 });
  if (hop.kind === 'several') return t('data.from.several', { index: hop.index + 1 });
  return hop.kind === 'loop' ? t('data.from.loop') : t('data.from.unknown');
}

/** The way of an item, newest first; each place can be gone to. */
export function LineageBar({ hops, nameOf, onGo, onClose }: LineageBarProps) {
  const t = useMessages();
  return (
    <div className="flex items-start gap-2 border-b border-line bg-raised px-3 py-1.5">
      <ol className="flex min-w-0 flex-1 flex-wrap items-center gap-x-1 gap-y-0.5">
        {hops.map((hop, at) => (
          <Fragment key={at}>
            {at > 0 && <ChevronLeft aria-hidden className="size-3.5 shrink-0 text-muted" />}
            <li className="min-w-0">
              {hop.kind === 'item' ? (
                <button
                  type="button"
                  title={t('data.from.step', { name: nameOf(hop.step), index: hop.index + 1 })}
                  onClick={() => onGo(hop)}
                  className="max-w-60 truncate rounded-control px-1 text-accent underline pointer-coarse:min-h-9"
                >
                  {nameOf(hop.step)} {count(hop.index + 1)}
                </button>
              ) : (
                <span className="text-muted">{said(t, hop)}</span>
              )}
            </li>
          </Fragment>
        ))}
      </ol>
      <IconButton label={t('data.from.close')} className="size-6!" onClick={onClose}>
        <X aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}
