import type { Role } from '../api/types';
import { useRest } from './button';

type SwitchProps = {
  readonly isOn: boolean;
  /** What it switches, for those who cannot see where it stands. */
  readonly label: string;
  readonly title?: string;
  /** The element that explains it. */
  readonly describedBy?: string;
  /** What stands beside it for either state. */
  readonly words: { readonly on: string; readonly off: string };
  readonly needs: Role;
  readonly isBusy: boolean;
  readonly onFlip: () => void;
  readonly className?: string;
};

/** Something that is on or off at once. */
export function Switch({ isOn, label, title, describedBy, words, needs, isBusy, onFlip, className = '' }: SwitchProps) {
  return (
    <button
      type="button"
      role="switch"
      aria-checked={isOn}
      disabled={isBusy}
      onClick={onFlip}
      aria-label={label}
      title={title}
      aria-describedby={describedBy}
      {...useRest(needs)}
      className={`group inline-flex min-h-8 items-center gap-2 rounded-control text-muted aria-checked:text-ok disabled:opacity-55 pointer-coarse:min-h-11 ${className}`}
    >
      <span
        aria-hidden
        className="flex h-4.5 w-8 shrink-0 items-center rounded-full border border-control bg-surface p-0.5 group-aria-checked:justify-end group-aria-checked:border-ok group-aria-checked:bg-ok"
      >
        <span className="size-3 rounded-full bg-control group-aria-checked:bg-surface" />
      </span>
      <span aria-hidden>{isOn ? words.on : words.off}</span>
    </button>
  );
}
