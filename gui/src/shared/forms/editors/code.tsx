import { CodeEditor } from '../../code/code-editor';
import type { EditorProps } from '../editor-props';
import { useForm } from '../target';
import { useShared } from '../use-shared';

/** A script in its language. */
export function CodeFieldEditor({ field, path, id, label, describedBy, isBad }: EditorProps<'code'>) {
  const { canEdit, known } = useForm();
  const binding = useShared(path);
  return (
    <CodeEditor
      id={id}
      label={label}
      describedBy={describedBy}
      isBad={isBad}
      binding={binding}
      reading="script"
      language={field.language}
      rows={12}
      canEdit={canEdit}
      known={known}
    />
  );
}

/** One expression, with braces or without. */
export function ConditionEditor({ path, id, label, describedBy, isBad }: EditorProps<'condition'>) {
  const { canEdit, known } = useForm();
  const binding = useShared(path);
  return (
    <CodeEditor
      id={id}
      label={label}
      describedBy={describedBy}
      isBad={isBad}
      binding={binding}
      reading="condition"
      isOneLine
      canEdit={canEdit}
      known={known}
      placeholder="$json.amount > 100"
    />
  );
}
