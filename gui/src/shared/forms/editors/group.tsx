//! Editors of what holds other fields: objects, and alternatives of which one holds.
import { Suspense } from 'react';
import { useMessages } from '../../i18n/messages';
import { Prose } from '../../ui/prose';
import { plainProse } from '../../ui/prose-text';
import { FieldSelect } from '../controls';
import type { EditorProps } from '../editor-props';
import { FieldView } from '../field-view';
import { FieldsView } from '../form-view';
import { useNames } from '../names';
import { type Field, firstValue, formOfValue, isRecord, type ObjectField } from '../schema';
import { useForm } from '../target';
import { isRule, RuleEditor } from './rule';

/** An object inside of a config. */
export function ObjectEditor({ field, path, value }: EditorProps<'object'>) {
  if (isRule(field)) return <RuleEditor field={field} path={path} value={value} />;
  const isElement = field.key === '';
  const fields = <FieldsView fields={field.fields} path={path} value={value} />;
  return isElement ? fields : <div className="border-l-2 border-line pl-3">{fields}</div>;
}

/** Which of several forms a value has, and the fields of that form. */
export function UnionEditor({ field, path, value, id, label, describedBy }: EditorProps<'union'>) {
  const t = useMessages();
  const { target } = useForm();
  const { fieldName } = useNames();
  const isEmpty = value === undefined || value === null;
  const at = isEmpty ? -1 : formOfValue(field.forms, value);
  const form = field.forms[at];
  const isOptional = field.isNullable || (!field.isRequired && field.key !== '');
  return (
    <div className="flex flex-col gap-2">
      <FieldSelect
        of={{ id, label: t('form.union.form', { name: label }), describedBy }}
        value={at}
        onChange={(event) => {
          const next = field.forms[Number(event.target.value)];
          target.set(path, next ? keepText(next, value) : undefined);
        }}
      >
        {(isOptional || at < 0) && <option value={-1}>{t('form.none')}</option>}
        {field.forms.map((it, index) => (
          <option key={index} value={index}>
            {nameOf(it, fieldName)}
          </option>
        ))}
      </FieldSelect>
      {form?.docs && form.title !== '' && (
        <p className="text-meta text-muted">
          <Prose text={form.docs} />
        </p>
      )}
      {form && <FormOf form={form} path={path} value={value} label={label} />}
    </div>
  );
}

type FormOfProps = Pick<EditorProps, 'path' | 'value' | 'label'> & { readonly form: Field };

function FormOf({ form, path, value, label }: FormOfProps) {
  const { fieldName } = useNames();
  const single = singleOf(form);
  // `{ "basic": { "user", "password" } }`: the form is named already, so its one field goes without a heading.
  if (single?.kind === 'object') {
    const inner = isRecord(value) ? value[single.key] : undefined;
    return <FieldsView fields={single.fields} path={[...path, single.key]} value={inner} />;
  }
  if (single) {
    const inner = isRecord(value) ? value[single.key] : undefined;
    return (
      <FieldView
        field={single}
        path={[...path, single.key]}
        value={inner}
        name={`${label}: ${nameOf(form, fieldName)}`}
      />
    );
  }
  if (form.kind === 'object') return <FieldsView fields={form.fields} path={path} value={value} />;
  return (
    <Suspense>
      <FieldView field={form} path={path} value={value} name={label} />
    </Suspense>
  );
}

const singleOf = (form: Field): Field | undefined =>
  form.kind === 'object' && form.fields.length === 1 ? (form as ObjectField).fields[0] : undefined;

/** What a form is called: its title, else the first sentence of its docs. */
function nameOf(form: Field, fieldName: (field: Field) => string): string {
  const single = singleOf(form);
  const title = form.schema.title ?? (single ? fieldName(single) : form.title);
  return title || plainProse(form.docs.split('. ')[0]?.replace(/\.$/, '') ?? '') || form.kind;
}

/** What a value becomes in another form: a text goes along into the first field of text. */
function keepText(form: Field, value: unknown): unknown {
  const first = firstValue(form);
  const text =
    typeof value === 'string'
      ? value
      : isRecord(value)
        ? Object.values(value).find((it) => typeof it === 'string')
        : undefined;
  if (typeof text !== 'string') return first;
  if (form.kind === 'text') return text;
  if (form.kind !== 'object' || !isRecord(first)) return first;
  const to = form.fields.find((it) => it.kind === 'text' && it.isRequired);
  return to ? { ...first, [to.key]: text } : first;
}
