import { Tabs as Radix } from 'radix-ui';
import type { ReactNode } from 'react';

export type Tab = { readonly id: string; readonly label: ReactNode; readonly content: () => ReactNode };

type TabsProps = {
  readonly label: string;
  readonly tabs: readonly Tab[];
  readonly value: string;
  readonly onChange: (id: string) => void;
  /** Stands at the end of the row of tabs. */
  readonly end?: ReactNode;
};

/** Tabs whose content fills what is left of the height. */
export function Tabs({ label, tabs, value, onChange, end }: TabsProps) {
  const shown = tabs.some((tab) => tab.id === value) ? value : (tabs[0]?.id ?? '');
  return (
    <Radix.Root value={shown} onValueChange={onChange} className="flex min-h-0 flex-1 flex-col">
      <div className="flex shrink-0 items-center border-b border-line">
        <Radix.List
          aria-label={label}
          className={`scroll-thin -mb-px flex gap-1 overflow-x-auto px-2 ${end ? 'max-w-[calc(100%-2.5rem)] shrink-0' : 'min-w-0 flex-1'}`}
        >
          {tabs.map((tab) => (
            <Radix.Trigger
              key={tab.id}
              value={tab.id}
              className="min-h-9 border-b-2 border-transparent px-2.5 whitespace-nowrap text-muted hover:text-text focus-visible:-outline-offset-2 data-[state=active]:border-accent data-[state=active]:font-semibold data-[state=active]:text-text pointer-coarse:min-h-11"
            >
              {tab.label}
            </Radix.Trigger>
          ))}
        </Radix.List>
        {end && <div className="flex min-w-0 flex-1 items-center justify-end gap-1 pr-1">{end}</div>}
      </div>
      {tabs.map((tab) => (
        <Radix.Content
          key={tab.id}
          value={tab.id}
          tabIndex={-1}
          className="min-h-0 flex-1 data-[state=inactive]:hidden"
        >
          {tab.id === shown && tab.content()}
        </Radix.Content>
      ))}
    </Radix.Root>
  );
}
