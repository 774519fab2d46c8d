import { FileUp } from 'lucide-react';
import { Suspense, useEffect, useMemo } from 'react';
import { drawnOf } from '@/shared/document/read';
import { useCanEdit } from '@/shared/document/use-editor';
import type { CanvasEvents } from '@/shared/graph/canvas/edit-context';
import { CARD_WIDTH } from '@/shared/graph/model';
import { sceneOf } from '@/shared/graph/scene';
import { useMessages } from '@/shared/i18n/messages';
import { readFileText } from '@/shared/presets/file-text';
import { lazily } from '@/shared/ui/lazily';
import { Loading } from '@/shared/ui/states';
import { useFileDrop } from '@/shared/ui/use-file-drop';
import { useNarrow } from '@/shared/ui/use-narrow';
import { useBenchParts, useScene, useStoreValue } from './bench-context';
import { pasteText } from './clipboard';
import { apart, bothOf, ComparedBar } from './compared-bar';
import { EmptyHint, NextHint } from './empty-hint';
import { comparedOf } from './panel/compared';
import type { Bench } from './use-designer-model';

const EditingCanvas = lazily(() => import('@/shared/graph/canvas/editing-canvas'));

const coarse = typeof matchMedia === 'undefined' ? undefined : matchMedia('(pointer: coarse)');

function eventsOf({ model, actions, designer, presence }: Bench): CanvasEvents {
  const { popup } = model;
  return {
    moved: (places) => actions.move(places),
    dragging: (places) => presence.drags(places),
    cursor: (at) => presence.points(at && { ...at }),
    connect: (from, to, replacing) => void actions.connect(from, to, replacing),
    refused: (why) => actions.refused(why),
    add: (ask) => popup.set({ kind: 'add', ask }),
    inserted: (step, wire, places) => actions.insert(step, wire, places),
    dropped: (component, at, wire) => {
      const manifest = designer.manifests.get(component);
      if (manifest) actions.add(manifest, { at: { x: at.x - CARD_WIDTH / 2, y: at.y - 32 }, client: at, wire });
    },
    open: (id) => {
      if (model.card(id)) model.panel.set({ isWide: true });
    },
    act: (action, id) => {
      if (action === 'run') void designer.start({ kind: 'only', step: id });
      else if (action === 'disable') actions.toggleDisabled([id]);
      else if (action === 'pin') void actions.togglePin(id);
      else {
        model.selection.set([id]);
        actions.remove(false);
      }
    },
    menu: (id, client, at) => popup.set({ kind: 'menu', id, client, at }),
    noteText: (id, text) => actions.noteText(id, text),
    noteSize: (id, size) => actions.noteSize(id, size),
    renamed: (id, name) => actions.rename(id, name),
  };
}

/** A file that hangs over the canvas, before it is dropped. */
function DropHint() {
  const t = useMessages();
  return (
    <div className="pointer-events-none absolute inset-2 z-30 flex flex-col items-center justify-center gap-2 rounded-card border-2 border-dashed border-accent bg-surface/90">
      <FileUp aria-hidden className="size-8 text-accent" />
      <p className="text-title font-semibold">{t('designer.import.drop')}</p>
    </div>
  );
}

/** The canvas with the workflow on it. */
export function CanvasPane() {
  const t = useMessages();
  const bench = useBenchParts();
  const { model, designer } = bench;
  const draft = useScene();
  const mayEdit = useCanEdit(designer.editor);
  const compared = useStoreValue(comparedOf(designer.editor));
  const scene = useMemo(
    () => (compared ? apart(sceneOf(drawnOf(bothOf(compared)), designer.manifests), compared) : draft),
    [compared, draft, designer.manifests],
  );
  useEffect(() => {
    model.changes.set(compared ? new Map([...compared.diff.cards, ...compared.diff.wires]) : new Map());
    return () => model.changes.set(new Map());
  }, [compared, model]);
  // What is compared is looked at.
  const canEdit = mayEdit && !compared;
  const isNarrow = useNarrow();
  const on = useMemo(() => eventsOf(bench), [bench]);
  const peers = useMemo(
    () => ({
      subscribe: (listener: () => void) => designer.editor.subscribe(listener),
      get: () => designer.editor.peers(),
    }),
    [designer.editor],
  );
  const drop = useFileDrop((file, client) => {
    readFileText(file, (size) => t('workflows.import.too_large', { size })).then(
      (text) => pasteText(model, bench.actions, text, model.canvas.current?.placeOf(client)),
      (error: unknown) => model.say(error instanceof Error ? error.message : String(error), { tone: 'refused' }),
    );
  });
  const isEmpty = scene.graph.cards.length === 0 && scene.notes.length === 0;
  return (
    <Suspense fallback={<Loading />}>
      <div className="relative size-full" {...(canEdit ? drop.handlers : undefined)}>
        <EditingCanvas
          ref={model.canvas}
          scene={scene}
          lights={model.run.lights}
          problems={model.problems}
          changes={model.changes}
          selection={model.selection}
          stop={model.stop}
          writing={model.writing}
          peers={peers}
          // Building by dragging is for larger screens.
          canEdit={canEdit && !isNarrow}
          isTouch={isNarrow || (coarse?.matches ?? false)}
          label={t('designer.canvas')}
          on={on}
        >
          {isEmpty && <EmptyHint canEdit={canEdit} />}
          {!isEmpty && canEdit && !isNarrow && scene.graph.cards.every((card) => card.kind === 'trigger') && (
            <NextHint />
          )}
          {compared && <ComparedBar compared={compared} />}
        </EditingCanvas>
        {canEdit && drop.isOver && <DropHint />}
      </div>
    </Suspense>
  );
}
