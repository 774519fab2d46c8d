import { Copy, MoreHorizontal, Pin, PinOff, Play, Power, Replace, SkipForward, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { Manifest } from '@/shared/api/types';
import { addCard, nameOf, removeCards, renameCard, setDisabled } from '@/shared/document/edits/cards';
import { setStepOption } from '@/shared/document/edits/config';
import { freeId, freeName } from '@/shared/document/edits/ids';
import { pin, unpin } from '@/shared/document/edits/pins';
import { useCanEdit } from '@/shared/document/use-editor';
import { iconOf } from '@/shared/graph/canvas/icons';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { offeredCommands } from '@/shared/ui/commands';
import { Menu, type MenuItem } from '@/shared/ui/menu';
import { type Designer, useDesigner } from '../context';
import { lastRun, outputs, PIN_MAX } from '../data';
import { type Card, stepOf } from './card-of';

type HeaderProps = { readonly card: Card; readonly manifest: Manifest | undefined };

/** What the step is called and is, and what can be done with it. */
export function PanelHeader({ card, manifest }: HeaderProps) {
  const t = useMessages();
  const designer = useDesigner();
  const { editor } = designer;
  const canEdit = useCanEdit(editor);
  const { id } = card;
  const step = stepOf(card);
  const Icon = iconOf(card.card.component, manifest?.category ?? '');
  const isOff = card.card.disabled === true;
  const isPinned = Boolean(step?.pin);
  const newest = manifest?.version ?? 0;
  const isOld = step?.version !== undefined && step.version !== null && step.version < newest;
  return (
    <header className="flex shrink-0 flex-col gap-1 px-3 pt-2 pb-1">
      <div className="flex items-center gap-2">
        <span className="rounded-control border border-line bg-raised p-1.5">
          <Icon aria-hidden className="size-4 text-muted" />
        </span>
        <div className="min-w-0 flex-1">
          <NameField key={id} id={id} name={card.card.name ?? ''} canEdit={canEdit} />
          <p className="truncate px-1 text-meta text-muted">
            {manifest
              ? t('panel.component', { title: manifest.title, version: step?.version ?? manifest.version })
              : card.card.component}
          </p>
        </div>
      </div>
      <div className="flex flex-wrap items-center gap-1">
        {step && (
          <Button needs="editor" look="primary" onClick={() => void designer.start({ kind: 'only', step: id })}>
            <Play aria-hidden className="size-4" />
            {t('panel.run')}
          </Button>
        )}
        <span className="flex-1" />
        {step && (
          <IconButton
            label={isPinned ? t('panel.unpin') : t('panel.pin')}
            aria-pressed={isPinned}
            disabled={!canEdit}
            className={isPinned ? 'text-pin!' : ''}
            onClick={() => void togglePin(designer, id, isPinned, manifest, t)}
          >
            {isPinned ? <PinOff aria-hidden className="size-4" /> : <Pin aria-hidden className="size-4" />}
          </IconButton>
        )}
        <IconButton
          label={isOff ? t('panel.enable') : t('panel.disable')}
          aria-pressed={isOff}
          disabled={!canEdit}
          className={isOff ? 'text-fail!' : ''}
          onClick={() => editor.apply('panel.edit.disabled', setDisabled([id], !isOff))}
        >
          <Power aria-hidden className="size-4" />
        </IconButton>
        <MoreMenu card={card} />
      </div>
      {isOff && <p className="text-meta text-fail">{t(step ? 'panel.off' : 'panel.off.trigger')}</p>}
      {isPinned && <p className="text-meta text-pin">{t('panel.pinned')}</p>}
      {isOld && (
        <p className="flex flex-wrap items-center gap-2 text-meta text-wait">
          {t('panel.newer', { version: step?.version ?? 0, newest })}
          <Button
            disabled={!canEdit}
            onClick={() => editor.apply('panel.edit.version', setStepOption(id, 'version', newest))}
          >
            {t('panel.update', { newest })}
          </Button>
        </p>
      )}
    </header>
  );
}

type NameFieldProps = { readonly id: string; readonly name: string; readonly canEdit: boolean };

/** The step's name; taken over when the field is left, so that expressions which name the step are written anew once. */
function NameField({ id, name, canEdit }: NameFieldProps) {
  const t = useMessages();
  const { editor } = useDesigner();
  const [draft, setDraft] = useState<string>();
  const leave = () => {
    if (draft !== undefined && draft.trim() !== name)
      editor.apply('panel.edit.name', renameCard(editor.snapshot().preset, id, draft));
    setDraft(undefined);
  };
  return (
    <input
      aria-label={t('panel.name')}
      className="w-full truncate rounded-control border border-transparent bg-transparent px-1 text-title font-semibold placeholder:text-text hover:border-control focus:border-control"
      placeholder={id}
      readOnly={!canEdit}
      value={draft ?? name}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={leave}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.currentTarget.blur();
        if (event.key === 'Escape' && draft !== undefined) {
          event.stopPropagation();
          setDraft(undefined);
        }
      }}
    />
  );
}

/** Pins what came out of the step in the last run, port by port, or lets it run again. */
export async function togglePin(
  designer: Designer,
  id: string,
  isPinned: boolean,
  manifest: Manifest | undefined,
  t: ReturnType<typeof useMessages>,
): Promise<void> {
  const { editor } = designer;
  if (isPinned) {
    editor.apply('panel.edit.unpin', unpin([id]));
    return;
  }
  const view = designer.run.view();
  const names = new Set(manifest?.outputs.map((port) => port.name) ?? []);
  for (const name of Object.keys(view?.runs.get(lastRun(view, id) ?? id)?.ports ?? {})) names.add(name);
  const source = { preset: editor.snapshot().preset, job: designer.run.job(), view };
  const found = await outputs(source, id, [...names]);
  if (!found) {
    designer.say(t('panel.pin.nothing'));
    return;
  }
  editor.apply('panel.edit.pin', pin(id, found));
  if (Object.values(found).some((items) => items.length >= PIN_MAX))
    designer.say(t('panel.pin.part', { count: PIN_MAX }));
}

function MoreMenu({ card: { id, of, card } }: { readonly card: Card }) {
  const t = useMessages();
  const designer = useDesigner();
  const { editor } = designer;
  const canEdit = useCanEdit(editor);
  const replace = offeredCommands().find((it) => it.id === 'designer.replace');
  const duplicate = () => {
    const { preset } = editor.snapshot();
    const next = freeId(preset, card.component);
    const { x, y } = card.position ?? { x: 0, y: 0 };
    const name = freeName(preset, nameOf(preset, id));
    const kind = of === 'steps' ? 'step' : 'trigger';
    editor.apply(
      'panel.edit.duplicate',
      addCard(kind, next, card.component, { x: x + 32, y: y + 96 }, structuredClone(card.config ?? {}), name),
    );
    designer.show(next);
  };
  const items: MenuItem[] = [
    ...(of === 'steps'
      ? [
          {
            id: 'until',
            label: t('panel.run_until'),
            icon: SkipForward,
            needs: 'runner' as const,
            onSelect: () => void designer.start({ kind: 'until', step: id }),
          },
        ]
      : []),
    ...(replace
      ? [{ id: 'replace', label: t('panel.replace'), icon: Replace, isDisabled: !canEdit, onSelect: replace.run }]
      : []),
    { id: 'duplicate', label: t('panel.duplicate'), icon: Copy, isDisabled: !canEdit, onSelect: duplicate },
    {
      id: 'delete',
      label: t('panel.delete'),
      icon: Trash2,
      isDisabled: !canEdit,
      isDanger: true,
      onSelect: () => editor.apply('panel.edit.delete', removeCards(editor.snapshot().preset, [id])),
    },
  ];
  return (
    <Menu
      label={t('panel.more')}
      trigger={
        <IconButton label={t('panel.more')}>
          <MoreHorizontal aria-hidden className="size-4" />
        </IconButton>
      }
      items={items}
    />
  );
}
