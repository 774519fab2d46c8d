import { GripVertical } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import { type DragEvent, type ReactNode, useMemo, useRef, useState } from 'react';
import { carryField } from '@/shared/code/drag';
import { sampleOf } from '@/shared/code/known';
import { type DataPath, dataTemplate } from '@/shared/code/paths';
import type { FieldActions } from '@/shared/data/field-actions';
import { inserted, placesFor } from '@/shared/forms/insert';
import { fieldName } from '@/shared/forms/names';
import type { ObjectField } from '@/shared/forms/schema';
import { useForm } from '@/shared/forms/target';
import { useLanguage, useMessages } from '@/shared/i18n/messages';
import { useDesigner } from '../context';

/** Drags of fields, and the menu "insert into …" for those who do not drag. */
export function useFieldInsertion(form: ObjectField, config: unknown): FieldActions {
  const t = useMessages();
  const designer = useDesigner();
  const { target, canEdit } = useForm();
  const language = useLanguage();
  return useMemo<FieldActions>(() => {
    const onDrag = (event: DragEvent, path: DataPath) => carryField(event.dataTransfer, { path }, dataTemplate(path));
    const menu = (path: DataPath, children: ReactNode) => (
      <InsertMenu
        name={String(path.at(-1) ?? '$json')}
        places={() => (canEdit ? placesFor(form, config ?? {}, (field) => fieldName(field, language)) : [])}
        onPlace={(place) => {
          target.set(place.path, inserted(place.field, place.value, path));
          designer.say(t('panel.insert.done', { place: place.label }));
        }}
        onCopy={() => void navigator.clipboard?.writeText(dataTemplate(path))}
      >
        {children}
      </InsertMenu>
    );
    return { onDrag, menu };
  }, [t, language, designer, target, canEdit, form, config]);
}

type InsertMenuProps = {
  readonly name: string;
  readonly places: () => ReturnType<typeof placesFor>;
  readonly onPlace: (place: ReturnType<typeof placesFor>[number]) => void;
  readonly onCopy: () => void;
  readonly children: ReactNode;
};

const ITEM = 'cursor-pointer rounded-control px-2.5 py-1 outline-none data-highlighted:bg-raised pointer-coarse:py-3';

/** Opens by a click, not by the press that begins a drag, as a menu's own trigger would. */
function InsertMenu({ name, places, onPlace, onCopy, children }: InsertMenuProps) {
  const t = useMessages();
  const [isOpen, setIsOpen] = useState(false);
  const opener = useRef<HTMLSpanElement>(null);
  return (
    <DropdownMenu.Root open={isOpen} onOpenChange={setIsOpen} modal={false}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button inside is what is pressed. */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a key on the button is a click as well. */}
      <span ref={opener} className="relative block" onClick={() => setIsOpen(true)}>
        {children}
        <DropdownMenu.Trigger asChild>
          <span aria-hidden tabIndex={-1} className="pointer-events-none absolute inset-0" />
        </DropdownMenu.Trigger>
      </span>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="start"
          sideOffset={4}
          collisionPadding={8}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            opener.current?.querySelector('button')?.focus();
          }}
          className="scroll-thin z-50 max-h-(--radix-dropdown-menu-content-available-height) max-w-80 min-w-56 overflow-y-auto rounded-card border border-line bg-surface p-1 shadow-2xl"
        >
          <InsertPlaces name={name} places={places} onPlace={onPlace} />
          <DropdownMenu.Separator className="my-1 h-px bg-line" />
          <DropdownMenu.Item className={ITEM} onSelect={onCopy}>
            {t('panel.insert.copy')}
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** Worked out only when a menu opens: tables have many columns. */
function InsertPlaces({ name, places, onPlace }: Pick<InsertMenuProps, 'name' | 'places' | 'onPlace'>) {
  const t = useMessages();
  const found = places();
  return (
    <>
      <DropdownMenu.Label className="px-2.5 py-1 text-meta text-muted">
        {found.length > 0 ? t('panel.insert', { name }) : t('panel.insert.none')}
      </DropdownMenu.Label>
      {found.map((place) => (
        <DropdownMenu.Item key={place.label} className={ITEM} onSelect={() => onPlace(place)}>
          {place.label}
        </DropdownMenu.Item>
      ))}
    </>
  );
}

type Row = { readonly path: DataPath; readonly value: unknown };
const DEPTH_MAX = 3;
const ROWS_MAX = 120;

/** The fields of a value, deeper ones below their parents. Lists are shown by their first element. */
export function rowsOf(value: unknown): Row[] {
  const rows: Row[] = [];
  const visit = (at: unknown, path: DataPath): void => {
    if (rows.length >= ROWS_MAX || path.length > DEPTH_MAX) return;
    if (path.length > 0) rows.push({ path, value: at });
    if (typeof at !== 'object' || at === null) return;
    const entries: [string | number, unknown][] = Array.isArray(at)
      ? at.length > 0
        ? [[0, at[0]]]
        : []
      : Object.entries(at);
    for (const [key, child] of entries) visit(child, [...path, key]);
  };
  visit(value, []);
  return rows;
}

/** The fields of the example item, to be dragged or sent into the form beside. */
export function FieldList({ actions }: { readonly actions: FieldActions }) {
  const t = useMessages();
  const { items, item } = useForm();
  const rows = useMemo(() => rowsOf(items[item]?.json), [items, item]);
  return (
    <details className="border-t border-line" open={rows.length > 0}>
      <summary className="px-4 py-2 font-semibold select-none focus-visible:-outline-offset-2">
        {t('panel.fields')}
      </summary>
      {rows.length === 0 ? (
        <p className="px-4 pb-3 text-meta text-muted">{t('panel.fields.none')}</p>
      ) : (
        <ul aria-label={t('panel.fields')} className="scroll-thin max-h-[min(14rem,24vh)] overflow-y-auto px-2 pb-2">
          {rows.map(({ path, value }) => (
            <li key={JSON.stringify(path)}>
              {actions.menu(
                path,
                <button
                  type="button"
                  aria-haspopup="menu"
                  draggable
                  onDragStart={(event) => actions.onDrag(event, path)}
                  title={t('panel.fields.hint')}
                  style={{ paddingLeft: 8 + (path.length - 1) * 14 }}
                  className="flex w-full min-w-0 cursor-grab items-center gap-1.5 rounded-control pr-2 text-left text-meta leading-6 hover:bg-raised focus-visible:-outline-offset-2 pointer-coarse:min-h-11"
                >
                  <GripVertical aria-hidden className="size-3 shrink-0 text-muted" />
                  <span className="shrink-0 font-mono text-pin">{String(path.at(-1))}</span>
                  <span className="min-w-0 flex-1 truncate font-mono text-muted">{sampleOf(value)}</span>
                </button>,
              )}
            </li>
          ))}
        </ul>
      )}
    </details>
  );
}
