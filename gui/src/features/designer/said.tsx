import { X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { useBenchParts, useSelection, useStoreValue } from './bench-context';

const SHOWN_MS = 6_000;

/** What was said last, aloud, politely. */
export function SaidAloud() {
  const { model } = useBenchParts();
  const said = useStoreValue(model.said);
  return (
    <p role="status" aria-live="polite" className="sr-only">
      {said?.text}
    </p>
  );
}

/** Where what was said stands: in the bar over the wide panel, else in the bar of the lower one. Both bars are there anyway. */
export function useIsSaidAbove(): boolean {
  const { model } = useBenchParts();
  const { isWide } = useStoreValue(model.panel);
  return useSelection().size > 0 && isWide;
}

/** What was said last, for some seconds, in a line that is free for it: it lies over nothing. */
export function SaidLine() {
  const t = useMessages();
  const { model } = useBenchParts();
  const said = useStoreValue(model.said);
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    // Whoever closed it by hand points at nothing any more.
    if (!said) setHeld(false);
    if (!said || isHeld) return;
    const timer = setTimeout(() => model.said.set(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said, isHeld, model]);
  if (!said || said.isQuiet) return null;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: whoever points at it or is in it reads it, so that it stays.
    <div
      data-said
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
      className={`flex min-h-8 min-w-0 items-center gap-1 rounded-control border pl-2.5 ${said.tone === 'refused' ? 'border-fail text-fail' : 'border-control'}`}
    >
      <span aria-hidden title={said.text} className="min-w-0 truncate">
        {said.text}
      </span>
      {said.action && (
        <Button
          look="quiet"
          className="min-h-7! px-2! text-accent!"
          onClick={() => {
            model.said.set(undefined);
            said.action?.run();
          }}
        >
          {said.action.label}
        </Button>
      )}
      <IconButton label={t('common.close')} className="size-7!" onClick={() => model.said.set(undefined)}>
        <X aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}
