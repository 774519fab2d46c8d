import { CodeEditor } from '../code/code-editor';
import { useMessages } from '../i18n/messages';
import type { EditorProps } from './editor-props';
import type { Field } from './schema';
import { useForm } from './target';
import { useShared } from './use-shared';

type ExpressionProps = Omit<EditorProps, 'field' | 'value'> & { readonly field: Field };

/** The editor of a template, letter by letter where the document holds a text already. */
export function ExpressionEditor({ field, path, id, label, describedBy, isBad }: ExpressionProps) {
  const t = useMessages();
  const { canEdit, known } = useForm();
  const binding = useShared(path);
  return (
    <CodeEditor
      id={id}
      label={t('form.expression', { name: label })}
      describedBy={describedBy}
      isBad={isBad}
      binding={binding}
      reading="template"
      rows={1}
      isOneLine={field.kind !== 'any' && field.kind !== 'map'}
      canEdit={canEdit}
      known={known}
      placeholder="{{ $json. }}"
    />
  );
}
