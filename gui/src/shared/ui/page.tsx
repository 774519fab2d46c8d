import type { ReactNode } from 'react';

type HeaderProps = { readonly title: ReactNode; readonly hint?: ReactNode; readonly children?: ReactNode };

/** The top of a page: its name, and what can be done here. */
export function PageHeader({ title, hint, children }: HeaderProps) {
  return (
    <header className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 pt-4 pb-3 md:px-6">
      <div className="min-w-0 flex-1 basis-60">
        <h1 className="text-page">{title}</h1>
        {hint && <p className="text-muted">{hint}</p>}
      </div>
      {children && <div className="flex flex-wrap items-center gap-2">{children}</div>}
    </header>
  );
}

/** A page whose body scrolls. */
export function ScrollPage({ children }: { readonly children: ReactNode }) {
  return <div className="scroll-thin h-full overflow-y-auto pb-8">{children}</div>;
}

type PanelProps = {
  readonly title?: ReactNode;
  readonly action?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
};

export function Panel({ title, action, children, className = '' }: PanelProps) {
  return (
    <section className={`rounded-card border border-line bg-surface ${className}`}>
      {title && (
        <div className="flex min-h-11 items-center justify-between gap-2 border-b border-line px-4 py-1.5">
          <h2 className="text-title">{title}</h2>
          {action}
        </div>
      )}
      {children}
    </section>
  );
}

/** Names and values, one pair a line. */
export function Facts({ rows }: { readonly rows: readonly (readonly [ReactNode, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[minmax(7rem,auto)_1fr] gap-x-4 gap-y-1.5">
      {rows.map(([name, value], at) => (
        <div key={at} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
