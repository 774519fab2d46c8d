import {
  AlignCenterHorizontal,
  AlignCenterVertical,
  AlignEndHorizontal,
  AlignEndVertical,
  AlignHorizontalSpaceBetween,
  AlignStartHorizontal,
  AlignStartVertical,
  AlignVerticalSpaceBetween,
  type LucideIcon,
  PanelRightClose,
  PanelRightOpen,
  Trash2,
  X,
} from 'lucide-react';
import { Suspense } from 'react';
import { useCanEdit } from '@/shared/document/use-editor';
import { TINTS } from '@/shared/graph/canvas/tints';
import { COLOURS } from '@/shared/graph/scene';
import { onlyOne } from '@/shared/graph/selection';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { Field, Input, TextArea } from '@/shared/ui/field';
import { lazily } from '@/shared/ui/lazily';
import { Loading } from '@/shared/ui/states';
import { useBenchParts, useScene, useSelection, useStoreValue } from './bench-context';
import { bindingOf, type CommandId } from './keymap';
import { SaidLine, useIsSaidAbove } from './said';

const WorkflowPanel = lazily(async () => ({ default: (await import('./panel/workflow-panel')).WorkflowPanel }));
const StepPanel = lazily(async () => ({ default: (await import('./panel/step-panel')).StepPanel }));

/** What is selected: a step's panel, or what can be done with a note, a frame, a connection, or several things. */
export function SelectionPanel() {
  const t = useMessages();
  const { model } = useBenchParts();
  const selection = useSelection();
  const { isWide } = useStoreValue(model.panel);
  const scene = useScene();
  const one = onlyOne(selection);
  const isCard = one !== undefined && scene.graph.cards.some((card) => card.id === one);
  const isNone = selection.size === 0;
  const isSaidHere = useIsSaidAbove();
  const close = () => {
    model.selection.set([]);
    if (isNone) model.about.set(false);
    model.canvas.current?.focus(model.stop.get());
  };
  return (
    <div className="flex h-full flex-col">
      <div className="flex shrink-0 items-center justify-end gap-1 border-b border-line pr-1">
        <span className="min-w-16 flex-1 truncate pl-3 text-meta text-muted">
          {isNone
            ? t('designer.about')
            : isCard
              ? t('designer.panel')
              : t('designer.panel.chosen', { count: selection.size })}
        </span>
        {isSaidHere && <SaidLine />}
        {isCard && (
          <IconButton
            label={t(isWide ? 'designer.panel.narrow' : 'designer.panel.wide')}
            onClick={() => model.panel.set({ isWide: !isWide })}
          >
            {isWide ? (
              <PanelRightClose aria-hidden className="size-4" />
            ) : (
              <PanelRightOpen aria-hidden className="size-4" />
            )}
          </IconButton>
        )}
        <IconButton label={t('designer.panel.close')} onClick={close}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </div>
      <div className="min-h-0 flex-1">
        {isCard ? (
          <Suspense fallback={<Loading />}>
            <StepPanel step={one} />
          </Suspense>
        ) : isNone ? (
          <Suspense fallback={<Loading />}>
            <WorkflowPanel />
          </Suspense>
        ) : (
          <Others ids={selection} />
        )}
      </div>
    </div>
  );
}

const MANY: readonly CommandId[] = ['group', 'duplicate', 'disable', 'tidy'];
const LINING: readonly (readonly [CommandId, LucideIcon])[] = [
  ['align.left', AlignStartVertical],
  ['align.centre', AlignCenterVertical],
  ['align.right', AlignEndVertical],
  ['align.top', AlignStartHorizontal],
  ['align.middle', AlignCenterHorizontal],
  ['align.bottom', AlignEndHorizontal],
  ['spread.x', AlignHorizontalSpaceBetween],
  ['spread.y', AlignVerticalSpaceBetween],
];

/** What can be done with what is no single step. */
export function Others({ ids }: { readonly ids: ReadonlySet<string> }) {
  const t = useMessages();
  const { model, actions, commands, designer } = useBenchParts();
  const scene = useScene();
  const canEdit = useCanEdit(designer.editor);
  const wire = scene.graph.wires.find((it) => ids.size === 1 && ids.has(it.id));
  const note = scene.notes.find((it) => ids.size === 1 && ids.has(it.id));
  const group = scene.groups.find((it) => ids.has(it.id));
  const coloured = note ?? group;
  const [from, to] = [model.card(wire?.from.step), model.card(wire?.to.step)];
  return (
    <div className="scroll-thin flex h-full flex-col gap-4 overflow-y-auto p-4">
      {wire && from && to && (
        <div>
          <h2 className="text-title">{t('designer.panel.wire')}</h2>
          <p className="text-muted">
            {t('designer.panel.wire.line', { from: from.name, out: wire.from.port, to: to.name, in: wire.to.port })}
          </p>
        </div>
      )}
      {note && (
        <Field label={t('designer.panel.note')}>
          {(ids) => (
            <TextArea
              {...ids}
              key={`${note.id} ${note.text}`}
              rows={8}
              readOnly={!canEdit}
              defaultValue={note.text}
              onBlur={(event) => event.target.value !== note.text && actions.noteText(note.id, event.target.value)}
            />
          )}
        </Field>
      )}
      {group && (
        <Field label={t('designer.panel.group')}>
          {(ids) => (
            <Input
              {...ids}
              key={`${group.id} ${group.title}`}
              readOnly={!canEdit}
              defaultValue={group.title}
              onBlur={(event) => event.target.value !== group.title && actions.rename(group.id, event.target.value)}
            />
          )}
        </Field>
      )}
      {!wire && !note && !group && <p className="text-muted">{t('designer.panel.chosen.hint')}</p>}
      {canEdit && coloured && (
        <fieldset>
          <legend className="pb-1 font-semibold">{t('designer.panel.colour')}</legend>
          <div className="flex flex-wrap gap-1">
            {COLOURS.map((colour) => (
              <button
                key={colour}
                type="button"
                aria-label={t(`designer.colour.${colour}`)}
                title={t(`designer.colour.${colour}`)}
                aria-pressed={coloured.colour === colour}
                className="flex size-8 items-center justify-center rounded-control border border-transparent hover:bg-raised aria-pressed:border-accent pointer-coarse:size-11"
                onClick={() => actions.colour(coloured.id, colour)}
              >
                <span className={`size-4 rounded-full ${TINTS[colour].dot}`} />
              </button>
            ))}
          </div>
        </fieldset>
      )}
      {canEdit && ids.size > 1 && (
        <div className="flex w-fit flex-wrap rounded-control border border-line">
          {LINING.map(([id, Icon]) => (
            <IconButton key={id} label={t(bindingOf(id).label)} onClick={commands[id]}>
              <Icon aria-hidden className="size-4" />
            </IconButton>
          ))}
        </div>
      )}
      {canEdit && (
        <div className="flex flex-wrap gap-2">
          {wire && <Do id="add" />}
          {group && <Do id="ungroup" />}
          {ids.size > 1 && MANY.map((id) => <Do key={id} id={id} />)}
          <Button look="danger" onClick={commands.delete}>
            <Trash2 aria-hidden className="size-4" />
            {t('designer.do.delete')}
          </Button>
        </div>
      )}
    </div>
  );
}

function Do({ id }: { readonly id: CommandId }) {
  const t = useMessages();
  const { commands } = useBenchParts();
  return <Button onClick={commands[id]}>{t(bindingOf(id).label)}</Button>;
}
