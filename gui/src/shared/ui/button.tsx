import type { ButtonHTMLAttributes, ReactNode } from 'react';
import type { Role } from '../api/types';
import { useRefused } from '../auth/may';

type Look = 'primary' | 'plain' | 'quiet' | 'danger';

const LOOKS: Record<Look, string> = {
  primary: 'bg-accent text-on-accent border-accent hover:brightness-110 font-semibold',
  plain: 'bg-surface text-text border-control hover:bg-raised',
  quiet: 'border-transparent text-text hover:bg-raised',
  danger: 'bg-surface text-fail border-fail hover:bg-raised',
};

const BASE =
  'inline-flex items-center justify-center gap-1.5 rounded-control border px-3 min-h-8 pointer-coarse:min-h-11 text-body whitespace-nowrap disabled:opacity-55 disabled:hover:brightness-100';

export const buttonClass = (look: Look = 'plain', more = ''): string => `${BASE} ${LOOKS[look]} ${more}`;

export type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  readonly look?: Look;
  /** The role that its action takes: for lower ones it rests and says why. */
  readonly needs?: Role;
};

export function Button({ look = 'plain', className = '', type = 'button', needs, ...rest }: ButtonProps) {
  return <button type={type} className={buttonClass(look, className)} {...rest} {...useRest(needs)} />;
}

/** What a button is told that is not for whoever is signed in. */
export function useRest(needs: Role | undefined) {
  const why = useRefused(needs);
  return why === undefined ? undefined : { disabled: true, title: why, 'aria-description': why };
}

/** A button that is only a picture. `label` is what it is called. */
export function IconButton({
  label,
  children,
  className = '',
  needs,
  ...rest
}: Omit<ButtonProps, 'look'> & { readonly label: string; readonly children: ReactNode }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`inline-flex size-8 shrink-0 items-center justify-center rounded-control text-text hover:bg-raised disabled:opacity-45 pointer-coarse:size-11 ${className}`}
      {...rest}
      {...useRest(needs)}
    >
      {children}
    </button>
  );
}
