import { Plus } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import { useState } from 'react';
import { useMessages } from '../i18n/messages';
import { buttonClass } from '../ui/button';
import { Prose } from '../ui/prose';
import { FieldView, RemoveOption } from './field-view';
import { useNames } from './names';
import { type Field, firstValue, isRecord, shownOf } from './schema';
import { type Path, pointerOf, useForm } from './target';

type FieldsViewProps = { readonly fields: readonly Field[]; readonly path: Path; readonly value: unknown };

/** The fields of an object; options that are not used wait in a menu. */
export function FieldsView({ fields, path, value }: FieldsViewProps) {
  const t = useMessages();
  const { target, canEdit, said } = useForm();
  const { fieldName } = useNames();
  const [added, setAdded] = useState<ReadonlySet<string>>(new Set());
  const of = isRecord(value) ? value : {};
  const split = shownOf(fields, of);
  const shown = fields.filter((it) => split.shown.includes(it) || (added.has(it.key) && split.more.includes(it)));
  const more = split.more.filter((it) => !added.has(it.key));
  // Names that the component does not know, so that nothing in the document stays out of sight.
  const known = new Set(fields.map((it) => it.key));
  const strange = Object.keys(of).filter((key) => !known.has(key));
  const add = (field: Field) => {
    setAdded(new Set([...added, field.key]));
    // A list, a map or an object that stands there empty says nothing; the rest begins with its default.
    if (!['list', 'map', 'object', 'union'].includes(field.kind)) target.set([...path, field.key], firstValue(field));
    requestAnimationFrame(() => {
      const at = CSS.escape(pointerOf([...path, field.key]));
      document
        .querySelector<HTMLElement>(`[data-field="${at}"] :is(input, select, textarea, [contenteditable], button)`)
        ?.focus();
    });
  };
  return (
    <div className="flex flex-col gap-4">
      {shown.map((field) => {
        const isOption = !field.isRequired && (of[field.key] !== undefined || added.has(field.key)) && canDrop(field);
        return (
          <FieldView
            key={field.key}
            field={field}
            path={[...path, field.key]}
            value={of[field.key]}
            tools={
              isOption && (
                <RemoveOption
                  name={fieldName(field)}
                  onRemove={() => {
                    setAdded(new Set([...added].filter((it) => it !== field.key)));
                    target.set([...path, field.key], undefined);
                  }}
                />
              )
            }
          />
        );
      })}
      {strange.map((key) => (
        <div key={key} data-field={pointerOf([...path, key])} className="flex flex-col gap-1">
          <div className="flex items-center gap-2">
            <span className="flex-1 font-mono">{key}</span>
            <RemoveOption name={key} onRemove={() => target.set([...path, key], undefined)} />
          </div>
          <pre className="scroll-thin overflow-x-auto rounded-control bg-raised p-2 font-mono text-meta" tabIndex={0}>
            {JSON.stringify(of[key], null, 2)}
          </pre>
          {(said.get(pointerOf([...path, key])) ?? []).map((it, at) => (
            <p key={at} className="text-meta text-fail">
              <Prose text={it.text} />
            </p>
          ))}
        </div>
      ))}
      {more.length > 0 && (
        <DropdownMenu.Root>
          <DropdownMenu.Trigger disabled={!canEdit} className={buttonClass('quiet', 'self-start text-accent!')}>
            <Plus aria-hidden className="size-4" />
            {t('form.add_option')}
          </DropdownMenu.Trigger>
          <DropdownMenu.Portal>
            <DropdownMenu.Content
              align="start"
              sideOffset={4}
              className="scroll-thin z-50 max-h-(--radix-dropdown-menu-content-available-height) w-80 max-w-[calc(100vw-2rem)] overflow-y-auto rounded-card border border-line bg-surface p-1 shadow-2xl"
            >
              {more.map((field) => (
                <DropdownMenu.Item
                  key={field.key}
                  onSelect={() => add(field)}
                  className="flex flex-col rounded-control px-2.5 py-1.5 outline-none data-highlighted:bg-raised"
                >
                  <span className="font-semibold">{fieldName(field)}</span>
                  <span className="text-meta text-muted">
                    <Prose text={field.docs} />
                  </span>
                </DropdownMenu.Item>
              ))}
            </DropdownMenu.Content>
          </DropdownMenu.Portal>
        </DropdownMenu.Root>
      )}
    </div>
  );
}

/** Choices and switches show what counts without a value, so there is nothing to take away from sight. */
const canDrop = (field: Field): boolean => field.hint.isMain !== true;
