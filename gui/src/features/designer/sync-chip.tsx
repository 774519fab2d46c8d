import { CircleOff, CloudOff, Eye, LoaderCircle, LogOut, Wifi } from 'lucide-react';
import type { ComponentType } from 'react';
import type { SyncState } from '@/shared/document/types';
import { useSync } from '@/shared/document/use-editor';
import { useMessages } from '@/shared/i18n/messages';
import { useBenchParts } from './bench-context';

const LOOKS: Readonly<Record<SyncState, { tone: string; icon: ComponentType<{ className?: string }> }>> = {
  opening: { tone: 'text-muted', icon: LoaderCircle },
  live: { tone: 'text-ok', icon: Wifi },
  saving: { tone: 'text-run', icon: LoaderCircle },
  offline: { tone: 'text-wait', icon: CloudOff },
  'read-only': { tone: 'text-muted', icon: Eye },
  'signed-out': { tone: 'text-wait', icon: LogOut },
  gone: { tone: 'text-fail', icon: CircleOff },
};

/** How the document stands to the node, and what that means. */
export function SyncChip() {
  const t = useMessages();
  const { designer } = useBenchParts();
  const sync = useSync(designer.editor);
  const { tone, icon: Icon } = LOOKS[sync];
  const hint = sync === 'opening' ? t('designer.sync.opening') : t(`designer.sync.${sync}.hint`);
  return (
    <span role="status" title={hint} className={`flex shrink-0 items-center gap-1.5 text-meta ${tone}`}>
      <Icon aria-hidden className={`size-3.5 ${sync === 'saving' || sync === 'opening' ? 'animate-spin' : ''}`} />
      <span className="max-sm:sr-only">{t(`designer.sync.${sync}`)}</span>
    </span>
  );
}
