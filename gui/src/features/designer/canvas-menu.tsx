import { DropdownMenu as Radix } from 'radix-ui';
import { useRefused } from '@/shared/auth/may';
import { TINTS } from '@/shared/graph/canvas/tints';
import { COLOURS } from '@/shared/graph/scene';
import { useMessages } from '@/shared/i18n/messages';
import { keyText } from '@/shared/ui/commands';
import { useBenchParts, useScene } from './bench-context';
import { chosenText, pasteText } from './clipboard';
import { bindingOf, type CommandId, shownKeys } from './keymap';
import type { Popup } from './model';

const CARD: readonly CommandId[] = [
  'open',
  'rename',
  'run.until',
  'run.only',
  'connect',
  'disable',
  'pin',
  'replace',
  'duplicate',
  'group',
  'delete',
  'heal',
];
const MANY: readonly CommandId[] = [
  'group',
  'duplicate',
  'disable',
  'align.left',
  'align.top',
  'align.middle',
  'align.centre',
  'spread.x',
  'spread.y',
  'tidy',
  'delete',
  'heal',
];
const NOTE: readonly CommandId[] = ['open', 'duplicate', 'delete'];
const GROUP: readonly CommandId[] = ['rename', 'ungroup', 'duplicate', 'tidy', 'delete'];
const PANE: readonly CommandId[] = ['add', 'note', 'select.all', 'tidy', 'fit', 'find'];

/** What the right button offers, on a card, a note, a frame, several things, or the canvas itself. */
export function CanvasMenu({
  popup,
  onClose,
}: {
  readonly popup: Extract<Popup, { kind: 'menu' }>;
  readonly onClose: () => void;
}) {
  const t = useMessages();
  const { model, actions, commands, designer } = useBenchParts();
  const scene = useScene();
  const canEdit = designer.editor.canEdit();
  const mayRun = useRefused('runner') === undefined;
  const mayPin = useRefused('editor') === undefined;
  const isGroup = scene.groups.some((it) => it.id === popup.id);
  const isNote = scene.notes.some((it) => it.id === popup.id);
  const isMany = !isGroup && model.selection.get().size > 1;
  const list = popup.id === undefined ? PANE : isGroup ? GROUP : isMany ? MANY : isNote ? NOTE : CARD;
  const shown = list.filter(
    (id) =>
      (canEdit || !bindingOf(id).isEdit) && (id !== 'run.until' || mayRun) && (id !== 'run.only' || (mayRun && mayPin)),
  );
  return (
    <Radix.Root open modal={false} onOpenChange={(open) => !open && model.popup.get() === popup && onClose()}>
      <Radix.Trigger asChild>
        <span aria-hidden className="fixed size-0" style={{ left: popup.client.x, top: popup.client.y }} />
      </Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          aria-label={t('designer.more')}
          align="start"
          collisionPadding={8}
          onCloseAutoFocus={(event) => event.preventDefault()}
          className="scroll-thin z-40 max-h-(--radix-dropdown-menu-content-available-height) min-w-56 overflow-y-auto rounded-card border border-line bg-surface p-1 shadow-xl"
        >
          {shown.map((id) => (
            <Item
              key={id}
              label={t(bindingOf(id).label)}
              keys={shownKeys(id)}
              onSelect={() => {
                onClose();
                if (popup.id !== undefined) model.stop.set(popup.id);
                // `Add` on the canvas adds where the pointer was.
                if (id === 'add') model.popup.set({ kind: 'add', ask: { at: popup.at, client: popup.client } });
                else if (id === 'note') actions.note(popup.at);
                else commands[id]();
              }}
            />
          ))}
          <Item
            label={t('designer.do.copy')}
            keys="Mod+C"
            onSelect={() => {
              void navigator.clipboard?.writeText(chosenText(model, actions));
              onClose();
            }}
          />
          {canEdit && popup.id === undefined && navigator.clipboard?.readText && (
            <Item
              label={t('designer.do.paste')}
              keys="Mod+V"
              onSelect={() => {
                onClose();
                void navigator.clipboard.readText().then(
                  (text) => pasteText(model, actions, text, popup.at),
                  () => model.popup.set({ kind: 'import' }),
                );
              }}
            />
          )}
          {canEdit && (isNote || isGroup) && popup.id !== undefined && <Colours id={popup.id} onClose={onClose} />}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

type ItemProps = { readonly label: string; readonly keys: string | undefined; readonly onSelect: () => void };

function Item({ label, keys, onSelect }: ItemProps) {
  return (
    <Radix.Item
      onSelect={onSelect}
      className="flex min-h-8 cursor-pointer items-center justify-between gap-6 rounded-control px-2.5 outline-none select-none data-highlighted:bg-raised pointer-coarse:min-h-11"
    >
      {label}
      {keys && <kbd className="font-sans text-meta text-muted">{keyText(keys)}</kbd>}
    </Radix.Item>
  );
}

function Colours({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const t = useMessages();
  const { actions } = useBenchParts();
  return (
    <Radix.Group aria-label={t('designer.panel.colour')} className="mt-1 flex gap-1 border-t border-line p-1.5">
      {COLOURS.map((colour) => (
        <Radix.Item
          key={colour}
          aria-label={t(`designer.colour.${colour}`)}
          title={t(`designer.colour.${colour}`)}
          onSelect={() => {
            actions.colour(id, colour);
            onClose();
          }}
          className="flex size-7 cursor-pointer items-center justify-center rounded-control outline-none data-highlighted:bg-raised"
        >
          <span className={`size-4 rounded-full ${TINTS[colour].dot}`} />
        </Radix.Item>
      ))}
    </Radix.Group>
  );
}
