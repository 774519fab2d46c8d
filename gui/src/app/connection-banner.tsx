import { CloudOff } from 'lucide-react';
import { useEffect, useState } from 'react';
import { reconnectNow, useNodeFeed } from '@/shared/api/node-feed';
import { clock } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';

/** Says that what is on the screen is old, since when, and what is being done about it. */
export function ConnectionBanner() {
  const t = useMessages();
  const feed = useNodeFeed();
  const [now, setNow] = useState(Date.now);
  const retryAt = feed.kind === 'stale' ? feed.retryAt : undefined;
  useEffect(() => {
    if (retryAt === undefined) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [retryAt]);
  // A connection that comes back at once is not worth a word.
  if (feed.kind !== 'stale' || feed.attempt < 2) return <div role="status" />;
  const seconds = Math.max(0, Math.ceil((feed.retryAt - now) / 1_000));
  return (
    <div
      role="status"
      className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-raised px-4 py-1.5"
    >
      <CloudOff aria-hidden className="size-4 shrink-0 text-wait" />
      <p className="min-w-0 flex-1">
        <strong className="text-wait">{t('offline.since', { time: clock(feed.since) })}</strong>{' '}
        <span className="text-muted">{t('offline.again', { seconds })}</span>
      </p>
      <Button onClick={reconnectNow}>{t('offline.now')}</Button>
    </div>
  );
}
