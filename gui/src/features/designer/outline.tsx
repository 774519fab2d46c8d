import { useVirtualizer } from '@tanstack/react-virtual';
import { Ellipsis, StickyNote, TriangleAlert } from 'lucide-react';
import { type KeyboardEvent, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { iconOf } from '@/shared/graph/canvas/icons';
import { cardLine } from '@/shared/graph/card-line';
import type { Card } from '@/shared/graph/model';
import type { Note } from '@/shared/graph/scene';
import { readingOrder } from '@/shared/graph/walk';
import { useMessages } from '@/shared/i18n/messages';
import { StateIcon, stateTone } from '@/shared/ui/status';
import { useBenchParts, useScene, useSelection } from './bench-context';

type Row =
  | { readonly kind: 'group'; readonly id: string; readonly title: string; readonly level: 1 }
  | { readonly kind: 'card'; readonly id: string; readonly card: Card; readonly level: 1 | 2 }
  | { readonly kind: 'note'; readonly id: string; readonly note: Note; readonly level: 1 };

const ROW_PX = 44;

/** The lines of the tree: frames with their steps, then the other steps in reading order, then notes. */
function useRows(): readonly Row[] {
  const scene = useScene();
  return useMemo(() => {
    const cards = readingOrder(scene.graph);
    const grouped = new Set(scene.groups.flatMap((group) => group.steps));
    const rows: Row[] = [];
    for (const group of scene.groups) {
      rows.push({ kind: 'group', id: group.id, title: group.title, level: 1 });
      const inside = new Set(group.steps);
      for (const card of cards) if (inside.has(card.id)) rows.push({ kind: 'card', id: card.id, card, level: 2 });
    }
    for (const card of cards) if (!grouped.has(card.id)) rows.push({ kind: 'card', id: card.id, card, level: 1 });
    for (const note of scene.notes) rows.push({ kind: 'note', id: note.id, note, level: 1 });
    return rows;
  }, [scene]);
}

/** All steps as a tree: whatever is done on the canvas by dragging is done here by choosing. */
export function Outline({ onOpen }: { readonly onOpen?: (id: string) => void }) {
  const t = useMessages();
  const { model, actions } = useBenchParts();
  const rows = useRows();
  const selection = useSelection();
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
  });
  const go = (place: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, place));
    setAt(next);
    virtual.scrollToIndex(next);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-row="${next}"]`)?.focus());
  };
  const pick = (row: Row) => {
    model.selection.set(row.kind === 'group' ? [row.id, ...stepsIn(row.id)] : [row.id]);
    model.stop.set(row.id);
    model.canvas.current?.reveal([row.id]);
  };
  const stepsIn = (id: string) => model.scene.get().groups.find((it) => it.id === id)?.steps ?? [];
  const choose = (row: Row, isMore: boolean) => {
    const own = row.kind === 'group' ? [row.id, ...stepsIn(row.id)] : [row.id];
    const now = model.selection.get();
    if (!isMore) model.selection.set(own);
    else model.selection.set(now.has(row.id) ? [...now].filter((id) => !own.includes(id)) : [...now, ...own]);
    model.stop.set(row.id);
    model.canvas.current?.reveal([row.id]);
    if (!isMore) onOpen?.(row.id);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -rows.length, End: rows.length }[
      event.key
    ];
    const row = rows[at];
    if (step !== undefined) {
      go(at + step);
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
      // Choosing goes along with the arrows; with Ctrl only the focus moves, to add more by Ctrl+Space.
      if (next && !event.ctrlKey && !event.metaKey) pick(next);
    } else if (row && (event.key === 'Enter' || event.key === ' '))
      choose(row, event.shiftKey || event.ctrlKey || event.metaKey);
    else if (row && event.key === 'Delete') {
      if (!selection.has(row.id)) model.selection.set([row.id]);
      actions.remove(event.ctrlKey || event.metaKey);
    } else if (row && event.key === 'F10' && event.shiftKey) menu(row.id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const menu = (id: string) => {
    const box_ = box.current
      ?.querySelector(`[data-row="${rows.findIndex((row) => row.id === id)}"]`)
      ?.getBoundingClientRect();
    if (!selection.has(id)) model.selection.set([id]);
    model.popup.set({ kind: 'menu', id, client: { x: box_?.right ?? 0, y: box_?.top ?? 0 }, at: { x: 0, y: 0 } });
  };
  return (
    <div ref={box} className="scroll-thin min-h-0 flex-1 overflow-y-auto">
      <div
        role="tree"
        aria-label={t('designer.outline.label')}
        aria-multiselectable
        tabIndex={-1}
        style={{ height: virtual.getTotalSize() }}
        className="relative"
        onKeyDown={onKeyDown}
      >
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index];
          if (!row) return null;
          return (
            <div
              key={row.id}
              data-row={index}
              role="treeitem"
              aria-level={row.level}
              aria-selected={selection.has(row.id)}
              aria-setsize={rows.length}
              aria-posinset={index + 1}
              aria-expanded={row.kind === 'group' ? true : undefined}
              tabIndex={index === Math.min(at, rows.length - 1) ? 0 : -1}
              style={{ transform: `translateY(${start}px)`, height: ROW_PX, paddingLeft: row.level * 12 }}
              className="absolute inset-x-0 flex cursor-pointer items-center gap-2.5 pr-1 hover:bg-raised focus-visible:-outline-offset-2 aria-selected:bg-raised"
              onClick={(event) => {
                setAt(index);
                choose(row, event.shiftKey || event.ctrlKey || event.metaKey);
              }}
              onKeyDown={() => {}}
              onFocus={() => setAt(index)}
              onContextMenu={(event) => {
                event.preventDefault();
                menu(row.id);
              }}
            >
              <Line row={row} />
              <button
                type="button"
                tabIndex={-1}
                aria-label={t('designer.outline.menu', { name: row.kind === 'card' ? row.card.name : row.id })}
                className="flex size-8 shrink-0 items-center justify-center rounded-control text-muted hover:bg-surface pointer-coarse:size-11"
                onClick={(event) => {
                  event.stopPropagation();
                  menu(row.id);
                }}
              >
                <Ellipsis aria-hidden className="size-4" />
              </button>
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Line({ row }: { readonly row: Row }) {
  const t = useMessages();
  if (row.kind === 'card') return <CardLine card={row.card} />;
  if (row.kind === 'group') {
    return <span className="min-w-0 flex-1 truncate font-semibold">{row.title || t('designer.group.untitled')}</span>;
  }
  return (
    <>
      <StickyNote aria-hidden className="size-4 shrink-0 text-muted" />
      <span className="min-w-0 flex-1 truncate">{row.note.text.split('\n')[0] || t('designer.note.empty')}</span>
    </>
  );
}

function CardLine({ card }: { readonly card: Card }) {
  const t = useMessages();
  const { model } = useBenchParts();
  const { graph } = useScene();
  const { lights } = model.run;
  const state = useSyncExternalStore(
    (listener) => lights.subscribe(`card:${card.id}`, listener),
    () => lights.card(card.id),
  );
  const problems = useSyncExternalStore(
    (listener) => model.problems.subscribe(card.id, listener),
    () => model.problems.get(card.id) ?? 0,
  );
  const Icon = iconOf(card.component, card.category);
  const next = graph.wires
    .filter((wire) => wire.from.step === card.id)
    .map((wire) => graph.cards.find((it) => it.id === wire.to.step)?.name ?? '');
  const leads = next.length > 0 ? t('designer.outline.to', { list: next.join(', ') }) : t('designer.outline.end');
  return (
    <>
      <Icon aria-hidden className="size-4 shrink-0 text-muted" />
      <span className="min-w-0 flex-1">
        <span className={`block truncate ${card.isDisabled ? 'line-through' : ''}`}>{card.name}</span>
        <span className={`block truncate text-meta ${state && !state.isOld ? stateTone(state.status) : 'text-muted'}`}>
          {state ? cardLine(t, state) : leads}
        </span>
      </span>
      {problems > 0 && (
        <span
          className="flex shrink-0 items-center text-wait"
          title={t('designer.problems.count', { count: problems })}
        >
          <TriangleAlert aria-hidden className="size-3.5" />
          <span className="sr-only">{t('designer.problems.count', { count: problems })}</span>
        </span>
      )}
      {state && <StateIcon state={state.status} />}
    </>
  );
}
