import { useReactFlow, useStore } from '@xyflow/react';
import { Maximize, Minus, Plus } from 'lucide-react';
import { useMessages } from '../../i18n/messages';
import { IconButton } from '../../ui/button';
import { viewportOf } from '../bounds';
import { rectsOf, type Scene } from '../scene';

/** Zoom, and the whole picture. */
export function CanvasControls({ scene }: { readonly scene: Scene }) {
  const t = useMessages();
  const flow = useReactFlow();
  const percent = useStore((state) => Math.round(state.transform[2] * 100));
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  return (
    <div className="flex items-center rounded-control border border-line bg-surface">
      <IconButton className="max-md:hidden" label={t('canvas.out')} onClick={() => void flow.zoomOut()}>
        <Minus aria-hidden className="size-4" />
      </IconButton>
      <button
        type="button"
        className="min-h-8 min-w-11 rounded-control max-md:hidden text-meta text-muted hover:bg-raised pointer-coarse:min-h-11"
        aria-label={t('designer.zoom.whole', { percent })}
        onClick={() => void flow.zoomTo(1)}
      >
        {percent}%
      </button>
      <IconButton className="max-md:hidden" label={t('canvas.in')} onClick={() => void flow.zoomIn()}>
        <Plus aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={t('canvas.fit')}
        onClick={() => void flow.setViewport(viewportOf([...rectsOf(scene).values()], { width, height }, undefined, 0))}
      >
        <Maximize aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}
