import type { InputHTMLAttributes, ReactNode, SelectHTMLAttributes, TextareaHTMLAttributes } from 'react';
import { useId } from 'react';
import { Prose } from './prose';

const BOX =
  'w-full rounded-control border border-control bg-surface px-2.5 text-form text-text placeholder:text-muted aria-invalid:border-fail';

type FieldProps = {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly error?: ReactNode;
  readonly children: (ids: {
    id: string;
    'aria-describedby': string | undefined;
    'aria-invalid': boolean;
  }) => ReactNode;
};

/** A form field with its name, a hint and what is wrong with it. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const said = error || hint;
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="font-semibold">
        {label}
      </label>
      {children({ id, 'aria-describedby': said ? `${id}-said` : undefined, 'aria-invalid': Boolean(error) })}
      {said && (
        <p id={`${id}-said`} className={error ? 'text-fail' : 'text-muted'}>
          {typeof said === 'string' ? <Prose text={said} /> : said}
        </p>
      )}
    </div>
  );
}

export const Input = ({ className = '', ...rest }: InputHTMLAttributes<HTMLInputElement>) => (
  <input className={`${BOX} h-8 pointer-coarse:h-11 ${className}`} {...rest} />
);

export const TextArea = ({ className = '', ...rest }: TextareaHTMLAttributes<HTMLTextAreaElement>) => (
  <textarea spellCheck={false} className={`${BOX} scroll-thin py-1.5 font-mono text-body ${className}`} {...rest} />
);

export const Select = ({ className = '', ...rest }: SelectHTMLAttributes<HTMLSelectElement>) => (
  <select className={`${BOX} h-8 pointer-coarse:h-11 ${className}`} {...rest} />
);
