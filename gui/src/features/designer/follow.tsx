import { useEffect } from 'react';
import { usePeers } from '@/shared/document/use-editor';
import { useMessages } from '@/shared/i18n/messages';
import { useBenchParts, useStoreValue } from './bench-context';

/** Looks where somebody else looks, until the canvas is moved or they go. */
export function Follow() {
  const t = useMessages();
  const { model, designer } = useBenchParts();
  const id = useStoreValue(model.following);
  const peers = usePeers(designer.editor);
  const peer = id === undefined ? undefined : peers.find((it) => it.id === id);
  const at = peer?.selection.join(' ');
  useEffect(() => {
    if (at) model.canvas.current?.reveal(at.split(' '));
  }, [model, at]);
  useEffect(() => {
    if (id === undefined) return;
    if (!peer) model.following.set(undefined);
    const stop = (event: Event) => {
      if (event.target instanceof Element && event.target.closest('[data-canvas]')) model.following.set(undefined);
    };
    addEventListener('wheel', stop, { passive: true });
    addEventListener('pointerdown', stop);
    return () => {
      removeEventListener('wheel', stop);
      removeEventListener('pointerdown', stop);
    };
  }, [model, id, peer]);
  if (!peer) return null;
  return (
    <div aria-hidden className="pointer-events-none fixed inset-0 z-30 border-4" style={{ borderColor: peer.colour }}>
      <span
        className="absolute top-0 left-1/2 -translate-x-1/2 rounded-b-control px-3 text-[#fff]"
        style={{ background: peer.colour }}
      >
        {t('designer.people.following', { name: peer.name })}
      </span>
    </div>
  );
}
