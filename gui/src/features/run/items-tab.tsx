import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { fetchLightPage, type ItemsAsk, itemsQuery } from '@/shared/api/requests/job-items';
import type { Item } from '@/shared/api/types';
import { ItemsView, PAGE_ITEMS } from '@/shared/data/items-view';
import type { Graph } from '@/shared/graph/model';
import { listLength, type Run, stepOf, type View } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { Select } from '@/shared/ui/field';
import { Empty, Failed, Loading } from '@/shared/ui/states';
import { lineage } from './lineage';
import { LineageBar } from './lineage-bar';
import { PinButton } from './pin-button';

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

/** One item of what came out of a run. */
export type ItemPlace = { readonly run: string; readonly port: string; readonly index: number };

type OutProps = TabProps & {
  readonly graph: Graph;
  readonly nameOf: (step: string) => string;
  /** The item to show, when one was gone to. */
  readonly focus: ItemPlace | undefined;
  readonly onFocus: (place: ItemPlace | undefined) => void;
};

/** What came out of a step, port by port. */
export function OutTab({ job, view, run, name, graph, nameOf, focus, onFocus }: OutProps) {
  const t = useMessages();
  const here = focus?.run === name ? focus : undefined;
  const [wanted, setWanted] = useState<string>();
  const [offset, setOffset] = useState(0);
  const [traced, setTraced] = useState<ItemPlace>();
  // Another run begins at its first page again, or at the item that was gone to.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above.
  useEffect(() => {
    setWanted(here?.port);
    setOffset(here ? Math.floor(here.index / PAGE_ITEMS) * PAGE_ITEMS : 0);
  }, [name, here]);
  if (!run || name === undefined) return <Empty title={t('step.not_yet')} />;
  const ports = Object.keys(run.ports);
  const most = ports.reduce((best, port) => (length(run, port) > length(run, best) ? port : best), ports[0] ?? '');
  const port = wanted !== undefined && ports.includes(wanted) ? wanted : most;
  const emitted = run.ports[port];
  if (!emitted) return <Empty title={run.status === 'failed' ? t('step.failed_no_output') : t('step.no_output')} />;
  const marked = here?.port === port ? here.index : undefined;
  const shared = {
    label: t('step.out.label', { port }),
    marked,
    onOffset: setOffset,
    onMark: (index: number) => onFocus({ run: name, port, index }),
    onTrace: (index: number) => {
      onFocus({ run: name, port, index });
      setTraced({ run: name, port, index });
    },
  };
  const hops = traced && lineage(view, graph, traced.run, traced.port, traced.index);
  const preset = view.submission?.preset;
  return (
    <div className="flex h-full flex-col">
      {(ports.length > 1 || preset) && (
        <div className="flex flex-wrap items-center gap-x-3 border-b border-line px-3 empty:hidden">
          {ports.length > 1 && (
            <PortSelect ports={ports} value={port} count={(it) => length(run, it)} onChange={setWanted} />
          )}
          {preset && (
            <PinButton
              key={`${name} ${port}`}
              job={job}
              run={name}
              step={stepOf(name)}
              name={nameOf(stepOf(name))}
              port={port}
              total={length(run, port)}
              preset={preset}
            />
          )}
        </div>
      )}
      {hops && <LineageBar hops={hops} nameOf={nameOf} onGo={onFocus} onClose={() => setTraced(undefined)} />}
      <div className="min-h-0 flex-1">
        {'inline' in emitted.items ? (
          <InlineItems items={emitted.items.inline} offset={offset} {...shared} />
        ) : (
          <AskedItems ask={{ job, run: name, side: 'out', port, offset }} {...shared} />
        )}
      </div>
    </div>
  );
}

type ShownProps = Pick<Parameters<typeof ItemsView>[0], 'label' | 'marked' | 'onOffset' | 'onMark' | 'onTrace'>;

function InlineItems({ items, offset, ...shared }: ShownProps & { items: readonly Item[]; offset: number }) {
  const fetchPage = useCallback(
    async (from: number) => ({ items: items.slice(from), offset: from, total: items.length }),
    [items],
  );
  return (
    <ItemsView
      items={items.slice(offset, offset + PAGE_ITEMS)}
      offset={offset}
      total={items.length}
      fetchPage={fetchPage}
      {...shared}
    />
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
  const [marked, setMarked] = useState<number>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run begins at its first page again.
  useEffect(() => {
    setOffset(0);
    setMarked(undefined);
  }, [name, wanted]);
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
        <div className="border-b border-line px-3">
          <PortSelect
            ports={inputs}
            value={port ?? ''}
            all={t('step.in.all')}
            onChange={(it) => setWanted(it || undefined)}
          />
        </div>
      )}
      <div className="min-h-0 flex-1">
        <AskedItems
          ask={{ job, run: rested, side: 'in', port, at, offset }}
          onOffset={setOffset}
          label={t('step.in.label')}
          marked={marked}
          onMark={setMarked}
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
    <label className="flex items-center gap-2 py-1.5 text-muted">
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

type AskedProps = ShownProps & { readonly ask: ItemsAsk };

/** How many items are looked through at a time; fewer come when they are heavy. */
const FIND_AT_ONCE = 1_000;

function AskedItems({ ask, ...shared }: AskedProps) {
  const items = useQuery(itemsQuery(ask));
  const { job, run, side, port, at } = ask;
  const fetchPage = useCallback(
    async (offset: number, signal: AbortSignal) => {
      const page = await fetchLightPage({ job, run, side, port, at, offset }, signal, FIND_AT_ONCE);
      return { ...page, items: page.items as readonly Item[] };
    },
    [job, run, side, port, at],
  );
  if (items.data) {
    const { total, offset, limit } = items.data;
    return (
      <ItemsView
        items={items.data.items as readonly Item[]}
        offset={offset}
        total={total}
        pageItems={limit}
        fetchPage={fetchPage}
        {...shared}
      />
    );
  }
  return items.error ? <Failed error={items.error} retry={() => void items.refetch()} /> : <Loading />;
}
