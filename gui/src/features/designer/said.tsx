import { X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { useBenchParts, useStoreValue } from './bench-context';

const SHOWN_MS = 6_000;

/** What was said last: on the screen for some seconds, and aloud, politely, by the page's own region. */
export function Said() {
  const t = useMessages();
  const { model } = useBenchParts();
  const said = useStoreValue(model.said);
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (!said || isHeld) return;
    const timer = setTimeout(() => model.said.set(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said, isHeld, model]);
  return (
    <>
      <p role="status" aria-live="polite" className="sr-only">
        {said?.text}
      </p>
      {said && !said.isQuiet && (
        <div
          onPointerEnter={() => setHeld(true)}
          onPointerLeave={() => setHeld(false)}
          className={`fixed bottom-16 left-1/2 z-40 flex max-w-[min(36rem,calc(100vw-2rem))] -translate-x-1/2 items-center gap-3 rounded-card border bg-surface py-1.5 pr-1.5 pl-4 shadow-xl ${said.tone === 'refused' ? 'border-fail' : 'border-control'}`}
        >
          <span aria-hidden className="min-w-0">
            {said.text}
          </span>
          {said.action && (
            <Button
              onClick={() => {
                model.said.set(undefined);
                said.action?.run();
              }}
            >
              {said.action.label}
            </Button>
          )}
          <IconButton label={t('common.close')} onClick={() => model.said.set(undefined)}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </div>
      )}
    </>
  );
}
