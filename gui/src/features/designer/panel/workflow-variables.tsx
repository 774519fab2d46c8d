import { Plus, X } from 'lucide-react';
import { useMemo, useState } from 'react';
import { removeVariable, renameVariable, setConfig, setText, setVariable } from '@/shared/document/edits/config';
import { useCanEdit, useSnapshot } from '@/shared/document/use-editor';
import { placeKey } from '@/shared/document/values';
import { FieldView } from '@/shared/forms/field-view';
import { plainTarget, usePlainWorld } from '@/shared/forms/plain-world';
import { formOf } from '@/shared/forms/schema';
import { FormContext, type Path } from '@/shared/forms/target';
import { useTyped } from '@/shared/forms/use-typed';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { Input } from '@/shared/ui/field';
import { useDesigner } from '../context';
import { presentAt, settle } from './card-of';

const NOTHING = {};

/** The variables of the workflow: name, value, what each is for. */
export function Variables() {
  const t = useMessages();
  const { editor } = useDesigner();
  const canEdit = useCanEdit(editor);
  const variables = useSnapshot(editor, ({ preset }) => preset.variables ?? NOTHING) as Readonly<
    Record<string, { value?: unknown; docs?: string }>
  >;
  const form = useMemo(
    () => formOf('', { type: 'object', properties: { value: { title: t('workflow.variable.value') } } }),
    [t],
  );
  const target = useMemo(
    () =>
      plainTarget(
        (path, value, isTyping) => {
          const place = ['variables', ...path];
          editor.apply('panel.edit.variable', setConfig(place, value ?? null), isTyping ? placeKey(place) : undefined);
        },
        (path) => editor.conflicts(['variables', ...path]),
        (path, value) => editor.apply('panel.edit.variable', settle(['variables', ...path], value)),
        (path: Path) => presentAt(editor.snapshot().preset, ['variables', ...path]),
      ),
    [editor],
  );
  const world = usePlainWorld(target, canEdit, form, NOTHING);
  const [name, setNew] = useState('');
  const wanted = name.trim();
  const isTaken = wanted in variables;
  const add = () => {
    if (wanted === '' || isTaken) return;
    editor.apply('panel.edit.variable_new', setVariable(wanted, ''));
    setNew('');
  };
  const [field] = form.fields;
  return (
    <div role="group" aria-labelledby="workflow-variables" className="flex flex-col gap-3">
      <h3 id="workflow-variables" className="text-title">
        {t('workflow.variables')}
      </h3>
      <p className="text-meta text-muted">{t('workflow.variables.hint')}</p>
      <FormContext value={world}>
        {Object.entries(variables).map(([id, variable]) => (
          <div key={id} className="flex flex-col gap-1 border-l-2 border-line pl-2">
            <div className="flex items-center gap-1">
              <VariableName id={id} isTaken={(other) => other !== id && other in variables} />
              <IconButton
                label={t('form.list.remove', { name: id })}
                disabled={!canEdit}
                onClick={() => editor.apply('panel.edit.variable_gone', removeVariable(id))}
              >
                <X aria-hidden className="size-3.5" />
              </IconButton>
            </div>
            {field && (
              <FieldView
                field={{ ...field, isRequired: true }}
                path={[id, 'value']}
                value={variable.value}
                name={t('form.map.value', { name: id })}
              />
            )}
            <VariableDocs id={id} docs={variable.docs ?? ''} />
          </div>
        ))}
      </FormContext>
      <div className="flex gap-1">
        <Input
          aria-label={t('workflow.variable.new')}
          placeholder={t('workflow.variable.new')}
          value={name}
          readOnly={!canEdit}
          spellCheck={false}
          onChange={(event) => setNew(event.target.value)}
          onKeyDown={(event) => event.key === 'Enter' && add()}
        />
        <Button disabled={!canEdit || wanted === '' || isTaken} onClick={add}>
          <Plus aria-hidden className="size-4" />
          {t('form.map.add')}
        </Button>
      </div>
      {isTaken && <p className="text-meta text-fail">{t('form.map.taken')}</p>}
    </div>
  );
}

type VariableNameProps = { readonly id: string; readonly isTaken: (name: string) => boolean };

function VariableName({ id, isTaken }: VariableNameProps) {
  const t = useMessages();
  const { editor } = useDesigner();
  const canEdit = useCanEdit(editor);
  const [draft, setDraft] = useState<string>();
  const wanted = (draft ?? id).trim();
  return (
    <Input
      aria-label={t('workflow.variable.name')}
      aria-invalid={isTaken(wanted)}
      className="h-7! border-transparent! bg-transparent! px-1! font-mono text-body! hover:border-control! focus:border-control!"
      value={draft ?? id}
      readOnly={!canEdit}
      spellCheck={false}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={() => {
        if (wanted !== '' && wanted !== id && !isTaken(wanted))
          editor.apply('panel.edit.variable_name', renameVariable(id, wanted));
        setDraft(undefined);
      }}
      onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
    />
  );
}

function VariableDocs({ id, docs }: { readonly id: string; readonly docs: string }) {
  const t = useMessages();
  const { editor } = useDesigner();
  const canEdit = useCanEdit(editor);
  const [text, type] = useTyped(docs, (next) =>
    editor.apply('panel.edit.variable', setText(['variables', id, 'docs'], next), `docs ${id}`),
  );
  return (
    <Input
      aria-label={t('workflow.variable.docs', { name: id })}
      placeholder={t('workflow.variable.docs.hint')}
      className="h-7! border-transparent! bg-transparent! px-1! text-meta! text-muted hover:border-control! focus:border-control!"
      value={text}
      readOnly={!canEdit}
      onChange={(event) => type(event.target.value)}
    />
  );
}
