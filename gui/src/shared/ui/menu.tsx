import type { LucideIcon } from 'lucide-react';
import { DropdownMenu as Radix } from 'radix-ui';
import { type ReactNode, useRef, useState } from 'react';
import type { Role } from '../api/types';
import { useRest } from './button';

export type MenuItem = {
  readonly id: string;
  readonly label: string;
  readonly icon?: LucideIcon;
  readonly isDisabled?: boolean;
  readonly isDanger?: boolean;
  /** The role that it takes: for lower ones it rests and says why. */
  readonly needs?: Role;
  readonly onSelect: () => void;
};

type MenuProps = {
  /** The button that opens it; it must take a ref and props, as `Button` and `IconButton` do. */
  readonly trigger: ReactNode;
  readonly label: string;
  readonly items: readonly MenuItem[];
};

/** A menu under a button: arrows walk, letters jump, Esc closes. */
export function Menu({ trigger, label, items }: MenuProps) {
  const place = useRef<HTMLSpanElement>(null);
  const [part, setPart] = useState<HTMLElement | null>();
  // What was chosen happens once the focus is back on the button: a dialog that it opens gives it back there.
  const chosen = useRef<() => void>(undefined);
  const act = () => {
    const work = chosen.current;
    chosen.current = undefined;
    if (work) setTimeout(work);
  };
  return (
    // Not modal: the rest of the page stays what it is for those who cannot see it, and the menu stands in its part of it.
    <Radix.Root modal={false} onOpenChange={() => setPart(place.current?.closest<HTMLElement>('[role=dialog], main'))}>
      <span ref={place} className="contents">
        <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      </span>
      <Radix.Portal container={part}>
        <Radix.Content
          aria-label={label}
          onCloseAutoFocus={act}
          align="end"
          sideOffset={4}
          collisionPadding={8}
          className="z-40 min-w-48 rounded-card border border-line bg-surface p-1 shadow-xl"
        >
          {items.map((item) => (
            <Line
              key={item.id}
              item={item}
              onSelect={() => {
                chosen.current = item.onSelect;
              }}
            />
          ))}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Line({ item, onSelect }: { readonly item: MenuItem; readonly onSelect: () => void }) {
  const { label, icon: Icon, isDisabled, isDanger, needs } = item;
  return (
    <Radix.Item
      disabled={isDisabled}
      onSelect={onSelect}
      className={`flex min-h-8 cursor-pointer items-center gap-2.5 rounded-control px-2.5 outline-none select-none data-highlighted:bg-raised data-disabled:opacity-55 pointer-coarse:min-h-11 ${isDanger ? 'text-fail' : ''}`}
      {...useRest(needs)}
    >
      {Icon && <Icon aria-hidden className="size-4 shrink-0" />}
      {label}
    </Radix.Item>
  );
}
