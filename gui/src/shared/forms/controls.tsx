import type { InputHTMLAttributes, SelectHTMLAttributes } from 'react';
import { Input, Select } from '../ui/field';
import type { EditorProps } from './editor-props';
import { useForm } from './target';

/** What an editor says about its control to whoever cannot see it. */
type Of = Pick<EditorProps, 'id' | 'label' | 'describedBy'> & { readonly isBad?: boolean };

const attributesOf = ({ id, label, describedBy, isBad }: Of) => ({
  id,
  'aria-label': label,
  'aria-describedby': describedBy,
  'aria-invalid': isBad,
});

/** A line of a form in which something is typed; the browser neither fills it nor spells it. */
export function FieldInput({ of, ...rest }: { readonly of: Of } & InputHTMLAttributes<HTMLInputElement>) {
  const { canEdit } = useForm();
  return <Input {...attributesOf(of)} readOnly={!canEdit} autoComplete="off" spellCheck={false} {...rest} />;
}

/** A list of a form out of which something is chosen. */
export function FieldSelect({ of, ...rest }: { readonly of: Of } & SelectHTMLAttributes<HTMLSelectElement>) {
  const { canEdit } = useForm();
  return <Select {...attributesOf(of)} disabled={!canEdit} {...rest} />;
}
