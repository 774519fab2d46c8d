import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { itemsQuery } from '@/shared/api/requests/job-items';
import type { Item } from '@/shared/api/types';
import { ItemsView, PAGE_ITEMS } from '@/shared/data/items-view';
import { listLength, type Run, type View } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { Select } from '@/shared/ui/field';
import { Empty, Failed, Loading } from '@/shared/ui/states';

const REST_MS = 80;

/** A value once it has stood still: while the slider moves nothing is asked of the node. */
function useRested<T>(value: T): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), REST_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}

type TabProps = {
  readonly job: string;
  readonly view: View;
  readonly run: Run | undefined;
  readonly name: string | undefined;
};

/** What came out of a step, port by port. */
export function OutTab({ job, run, name }: TabProps) {
  const t = useMessages();
  const [wanted, setWanted] = useState<string>();
  const [offset, setOffset] = useState(0);
  // Another run begins at its first page again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above.
  useEffect(() => setOffset(0), [name, wanted]);
  if (!run || name === undefined) return <Empty title={t('step.not_yet')} />;
  const ports = Object.keys(run.ports);
  const most = ports.reduce((best, port) => (length(run, port) > length(run, best) ? port : best), ports[0] ?? '');
  const port = wanted !== undefined && ports.includes(wanted) ? wanted : most;
  const emitted = run.ports[port];
  if (!emitted) return <Empty title={run.status === 'failed' ? t('step.failed_no_output') : t('step.no_output')} />;
  const label = t('step.out.label', { port });
  return (
    <div className="flex h-full flex-col">
      {ports.length > 1 && (
        <PortSelect ports={ports} value={port} count={(it) => length(run, it)} onChange={setWanted} />
      )}
      <div className="min-h-0 flex-1">
        {'inline' in emitted.items ? (
          <ItemsView
            items={emitted.items.inline.slice(offset, offset + PAGE_ITEMS)}
            offset={offset}
            total={emitted.items.inline.length}
            onOffset={setOffset}
            label={label}
          />
        ) : (
          <AskedItems ask={{ job, run: name, side: 'out', port, offset }} onOffset={setOffset} label={label} />
        )}
      </div>
    </div>
  );
}

const length = (run: Run, port: string): number => {
  const emitted = run.ports[port];
  return emitted ? listLength(emitted.items) : 0;
};

/** What went into a step. The node gathers it from the steps before. */
export function InTab({ job, view, run, name, inputs }: TabProps & { readonly inputs: readonly string[] }) {
  const t = useMessages();
  const [wanted, setWanted] = useState<string>();
  const [offset, setOffset] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run begins at its first page again.
  useEffect(() => setOffset(0), [name, wanted]);
  const hasEnded =
    run !== undefined && (run.status === 'succeeded' || run.status === 'failed' || run.status === 'skipped');
  // A step that has ended was given all it would get; of one that has not, the moment says what had come.
  const at = useRested(hasEnded ? undefined : view.lastSeq);
  const rested = useRested(name);
  if (!run || name === undefined || rested === undefined) return <Empty title={t('step.not_yet')} />;
  const port = wanted !== undefined && inputs.includes(wanted) ? wanted : undefined;
  return (
    <div className="flex h-full flex-col">
      {inputs.length > 1 && (
        <PortSelect
          ports={inputs}
          value={port ?? ''}
          all={t('step.in.all')}
          onChange={(it) => setWanted(it || undefined)}
        />
      )}
      <div className="min-h-0 flex-1">
        <AskedItems
          ask={{ job, run: rested, side: 'in', port, at, offset }}
          onOffset={setOffset}
          label={t('step.in.label')}
        />
      </div>
    </div>
  );
}

type PortSelectProps = {
  readonly ports: readonly string[];
  readonly value: string;
  readonly all?: string;
  readonly count?: (port: string) => number;
  readonly onChange: (port: string) => void;
};

function PortSelect({ ports, value, all, count, onChange }: PortSelectProps) {
  const t = useMessages();
  return (
    <label className="flex items-center gap-2 border-b border-line px-3 py-1.5 text-muted">
      {t('step.port')}
      <Select className="w-auto!" value={value} onChange={(event) => onChange(event.target.value)}>
        {all !== undefined && <option value="">{all}</option>}
        {ports.map((port) => (
          <option key={port} value={port}>
            {count ? `${port} (${count(port)})` : port}
          </option>
        ))}
      </Select>
    </label>
  );
}

type AskedProps = {
  readonly ask: Parameters<typeof itemsQuery>[0];
  readonly onOffset: (offset: number) => void;
  readonly label: string;
};

function AskedItems({ ask, onOffset, label }: AskedProps) {
  const items = useQuery(itemsQuery(ask));
  if (items.data) {
    const { total, offset } = items.data;
    return (
      <ItemsView
        items={items.data.items as readonly Item[]}
        offset={offset}
        total={total}
        onOffset={onOffset}
        label={label}
      />
    );
  }
  return items.error ? <Failed error={items.error} retry={() => void items.refetch()} /> : <Loading />;
}
