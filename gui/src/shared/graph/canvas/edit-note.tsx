import { type NodeProps, useReactFlow } from '@xyflow/react';
import { memo, type PointerEvent, Suspense, useRef, useState } from 'react';
import { lazily } from '@/shared/ui/lazily';
import { useMessages } from '../../i18n/messages';
import { snap } from '../grid';
import { GRID } from '../model';
import { useEdit, useIs } from './edit-context';
import type { NoteNode } from './flow-nodes';
import { TINTS } from './tints';

const Markdown = lazily(() => import('../../ui/markdown'));

/** The least size of a note. */
export const NOTE_LEAST = { width: 8 * GRID, height: 3 * GRID };

const clamped = (width: number, height: number) => ({
  width: Math.max(NOTE_LEAST.width, snap(width)),
  height: Math.max(NOTE_LEAST.height, snap(height)),
});

/** A sticky note: Markdown, written in place. */
function EditNote({ data: { note }, width = 0, height = 0, selected }: NodeProps<NoteNode>) {
  const t = useMessages();
  const { writing, stop, canEdit, on } = useEdit();
  const flow = useReactFlow();
  const isWriting = useIs(writing, note.id);
  const isStop = useIs(stop, note.id);
  const [size, setSize] = useState<{ width: number; height: number }>();
  const start = useRef({ x: 0, y: 0, width: 0, height: 0 });
  const tint = TINTS[note.colour];
  const shown = size ?? { width, height };
  const dragged = (event: PointerEvent) => {
    const { zoom } = flow.getViewport();
    const from = start.current;
    return clamped(from.width + (event.clientX - from.x) / zoom, from.height + (event.clientY - from.y) / zoom);
  };
  const end = (text: string | undefined) => {
    if (writing.get() !== note.id) return;
    writing.set(undefined);
    if (text !== undefined && text !== note.text) on.noteText(note.id, text);
  };
  return (
    <div
      style={shown}
      className={`relative rounded-card border bg-bg ${selected ? 'border-accent ring-2 ring-accent' : tint.border}`}
    >
      {isWriting ? (
        <textarea
          ref={(field) => field?.focus()}
          defaultValue={note.text}
          aria-label={t('designer.note.text')}
          className={`nodrag nopan nowheel scroll-thin size-full resize-none rounded-card p-3 font-mono ${tint.wash}`}
          onBlur={(event) => end(event.target.value)}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key !== 'Escape' && !(event.key === 'Enter' && (event.ctrlKey || event.metaKey))) return;
            const back = event.currentTarget.closest('.react-flow__node');
            end(event.currentTarget.value);
            requestAnimationFrame(() => back?.querySelector<HTMLElement>('[data-card]')?.focus());
          }}
        />
      ) : (
        <div
          data-card={note.id}
          role="button"
          tabIndex={isStop ? 0 : -1}
          aria-pressed={selected}
          aria-label={t('designer.note.label', { text: note.text.slice(0, 200) })}
          className={`scroll-thin size-full cursor-grab overflow-hidden rounded-card p-3 text-left active:cursor-grabbing ${tint.wash}`}
          onDoubleClick={(event) => {
            event.stopPropagation();
            if (canEdit) writing.set(note.id);
          }}
        >
          {note.text === '' ? (
            <p className="text-muted">{t('designer.note.empty')}</p>
          ) : (
            <Suspense fallback={<p className="whitespace-pre-wrap">{note.text}</p>}>
              <Markdown text={note.text} />
            </Suspense>
          )}
        </div>
      )}
      {canEdit && (
        <div
          aria-hidden
          className="nodrag nopan absolute right-0 bottom-0 size-4 cursor-nwse-resize touch-none pointer-coarse:size-8"
          onPointerDown={(event) => {
            event.stopPropagation();
            event.currentTarget.setPointerCapture(event.pointerId);
            start.current = { x: event.clientX, y: event.clientY, width, height };
            setSize({ width, height });
          }}
          onPointerMove={(event) => size && setSize(dragged(event))}
          onPointerUp={(event) => {
            if (!size) return;
            const next = dragged(event);
            setSize(undefined);
            if (next.width !== width || next.height !== height) on.noteSize(note.id, next);
          }}
        >
          <svg aria-hidden viewBox="0 0 16 16" className="absolute right-0.5 bottom-0.5 size-3 text-control">
            <path d="M14 4 4 14M14 9 9 14" stroke="currentColor" strokeWidth={1.5} />
          </svg>
        </div>
      )}
    </div>
  );
}

export default memo(EditNote);
