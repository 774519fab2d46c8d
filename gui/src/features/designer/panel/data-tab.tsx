import { useQuery } from '@tanstack/react-query';
import { Pencil, Pin, PinOff } from 'lucide-react';
import { useEffect, useState } from 'react';
import { itemsQuery } from '@/shared/api/requests/job-items';
import type { Item, Manifest } from '@/shared/api/types';
import { type FieldActions, FieldActionsContext } from '@/shared/data/field-actions';
import { ItemsView, PAGE_ITEMS } from '@/shared/data/items-view';
import { unpin } from '@/shared/document/edits/pins';
import { useCanEdit, useSnapshot } from '@/shared/document/use-editor';
import { ERROR_PORT, outputsOf, wiresOf } from '@/shared/graph/model';
import { useMessages } from '@/shared/i18n/messages';
import { IconButton } from '@/shared/ui/button';
import { Select } from '@/shared/ui/field';
import { Empty, Failed, Loading } from '@/shared/ui/states';
import { useDesigner } from '../context';
import { lastRun } from '../data';
import { type Card, stepOf } from './card-of';
import { togglePin } from './header';
import { PinDialog } from './pin-dialog';
import { useIsOld, usePortCounts, useStepData } from './step-data';

type SideProps = {
  readonly card: Card;
  readonly manifest: Manifest | undefined;
  readonly actions?: FieldActions;
  /** In the lower panel: its tables are called by the step, so that they are told from those of the step's own panel. */
  readonly isBelow?: boolean;
};

const labelOf = (title: string, { id, card }: Card, isBelow: boolean): string =>
  isBelow ? `${title} · ${card.name || id}` : title;

/** What went into a step. Its fields can be dragged into the form. */
export function InputData({ card, manifest, actions, isBelow = false }: SideProps) {
  const t = useMessages();
  const ports = manifest?.inputs.map((port) => port.name) ?? [];
  const [wanted, setWanted] = useState('');
  const port = ports.includes(wanted) ? wanted : undefined;
  const counts = usePortCounts(card.id, 'in', ports);
  return (
    <FieldActionsContext value={actions}>
      <Side
        step={card.id}
        side="in"
        port={port}
        title={t('panel.in')}
        label={labelOf(t('panel.in'), card, isBelow)}
        head={
          ports.length > 1 && (
            <PortSelect
              ports={ports}
              counts={counts}
              value={port ?? ''}
              all={t('panel.port.all')}
              onChange={setWanted}
            />
          )
        }
        empty={
          <Empty title={t('panel.no_in')}>
            <p>{t('panel.no_in.hint')}</p>
          </Empty>
        }
      />
    </FieldActionsContext>
  );
}

/** What came out of a step, or what it gives instead of running. */
export function OutputData({ card, manifest, isBelow = false }: Omit<SideProps, 'actions'>) {
  const t = useMessages();
  const designer = useDesigner();
  const { editor } = designer;
  const canEdit = useCanEdit(editor);
  const step = stepOf(card);
  const ports = useOutputs(card, manifest);
  const [wanted, setWanted] = useState('');
  const [isEditing, setIsEditing] = useState(false);
  const counts = usePortCounts(card.id, 'out', ports);
  // What gave something is looked at first.
  const port = ports.includes(wanted) ? wanted : (ports.find((it) => counts.get(it)) ?? ports[0] ?? 'out');
  const isPinned = Boolean(step?.pin);
  const pinning = step && (
    <span className="flex">
      <IconButton
        label={t(isPinned ? 'panel.pin.edit' : 'panel.pin.write')}
        className="size-7!"
        disabled={!canEdit}
        onClick={() => setIsEditing(true)}
      >
        <Pencil aria-hidden className="size-4" />
      </IconButton>
      <IconButton
        label={t(isPinned ? 'panel.pin.unpin' : 'panel.pin.this')}
        className={`size-7! ${isPinned ? 'text-pin!' : ''}`}
        disabled={!canEdit}
        onClick={() =>
          isPinned
            ? editor.apply('panel.edit.unpin', unpin([card.id]))
            : void togglePin(designer, card.id, false, manifest, t)
        }
      >
        {isPinned ? <PinOff aria-hidden className="size-4" /> : <Pin aria-hidden className="size-4" />}
      </IconButton>
    </span>
  );
  return (
    <>
      <Side
        step={card.id}
        side="out"
        port={port}
        title={t('panel.out')}
        label={labelOf(t('panel.out'), card, isBelow)}
        head={ports.length > 1 && <PortSelect ports={ports} counts={counts} value={port} onChange={setWanted} />}
        tools={pinning}
        empty={
          <Empty title={t('panel.no_out')}>
            <p>{t('panel.no_out.hint')}</p>
          </Empty>
        }
      />
      {isEditing && <PinDialog step={card.id} port={port} onClose={() => setIsEditing(false)} />}
    </>
  );
}

/** The output ports that a step has: its component's, those of its wires, those that the last run gave something on. */
function useOutputs({ id, card }: Card, manifest: Manifest | undefined): readonly string[] {
  const { editor, run } = useDesigner();
  const wired = useSnapshot(editor, ({ preset }) =>
    wiresOf(preset.wires)
      .filter((wire) => wire.from.step === id)
      .map((wire) => wire.from.port),
  );
  const ports = new Set([...outputsOf(card, manifest), ...wired]);
  const view = run.view();
  for (const name of Object.keys(view?.runs.get(lastRun(view, id) ?? id)?.ports ?? {})) ports.add(name);
  if ('on_error' in card && card.on_error === 'port') ports.add(ERROR_PORT);
  return [...ports];
}

type PortSelectProps = {
  readonly ports: readonly string[];
  /** How many items each has, `''` all together. */
  readonly counts: ReadonlyMap<string, number>;
  readonly value: string;
  readonly all?: string;
  readonly onChange: (port: string) => void;
};

function PortSelect({ ports, counts, value, all, onChange }: PortSelectProps) {
  const t = useMessages();
  const shown = (name: string, port: string) => {
    const count = counts.get(port);
    return count === undefined ? name : `${name} · ${t('card.items', { count })}`;
  };
  return (
    <Select
      aria-label={t('panel.port')}
      className="h-7! w-auto! text-meta"
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      {all !== undefined && <option value="">{shown(all, '')}</option>}
      {ports.map((port) => (
        <option key={port} value={port}>
          {shown(port, port)}
        </option>
      ))}
    </Select>
  );
}

type SideViewProps = {
  readonly step: string;
  readonly side: 'in' | 'out';
  readonly port: string | undefined;
  readonly title: string;
  /** What its table is called. */
  readonly label: string;
  readonly head?: React.ReactNode;
  readonly tools?: React.ReactNode;
  readonly empty: React.ReactNode;
};

function Side({ step, side, port, title, label, head, tools, empty }: SideViewProps) {
  const t = useMessages();
  const data = useStepData(step, side, port);
  const isOld = useIsOld(step) && side === 'out';
  const [offset, setOffset] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: other data begins at its first page.
  useEffect(() => setOffset(0), [step, port, side]);
  const known = data.data ?? undefined;
  const heading = (
    <>
      <h2 className="font-semibold">{title}</h2>
      {known && (
        <span className={`text-meta ${known.from === 'pin' ? 'text-pin' : 'text-muted'}`}>
          {t(known.from === 'pin' ? 'panel.from.pin' : isOld ? 'panel.from.old' : 'panel.from.run')}
        </span>
      )}
      {head}
    </>
  );
  if (known)
    return (
      <Pages
        step={step}
        side={side}
        port={port}
        items={known.items}
        total={known.total}
        from={known.from}
        offset={offset}
        onOffset={setOffset}
        label={label}
        head={heading}
        tools={tools}
      />
    );
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex min-h-9 shrink-0 flex-wrap items-center gap-2 border-b border-line px-3 py-1">
        {heading}
        <span className="flex-1" />
        {tools}
      </div>
      <div className="min-h-0 flex-1">
        {data.error ? (
          <Failed error={data.error} retry={() => void data.refetch()} />
        ) : data.data === undefined ? (
          <Loading lines={4} />
        ) : (
          <div className="scroll-thin h-full overflow-y-auto">{empty}</div>
        )}
      </div>
    </div>
  );
}

type PagesProps = Pick<SideViewProps, 'step' | 'side' | 'port' | 'head' | 'tools' | 'label'> & {
  readonly items: readonly Item[];
  readonly total: number;
  readonly from: 'pin' | 'run';
  readonly offset: number;
  readonly onOffset: (offset: number) => void;
};

/** The first page is here; later ones of a run are asked of the node, later ones of a pin are in the document. */
function Pages({ step, side, port, items, total, from, offset, onOffset, label, head, tools }: PagesProps) {
  const { run, editor } = useDesigner();
  const job = run.job() ?? '';
  const isMore = offset >= items.length;
  const pinned = from === 'pin' ? editor.snapshot().preset.steps?.[step]?.pin?.[port ?? ''] : undefined;
  const later = useQuery({
    ...itemsQuery({ job, run: lastRun(run.view(), step) ?? step, side, port, offset }),
    enabled: isMore && from === 'run' && job !== '',
  });
  const page = isMore ? (pinned ?? []).slice(offset, offset + PAGE_ITEMS) : items.slice(offset, offset + PAGE_ITEMS);
  const shown = isMore && from === 'run' ? ((later.data?.items ?? []) as readonly Item[]) : page;
  if (isMore && from === 'run' && !later.data)
    return later.error ? <Failed error={later.error} retry={() => void later.refetch()} /> : <Loading />;
  return (
    <ItemsView
      items={shown}
      offset={offset}
      total={total}
      onOffset={onOffset}
      label={label}
      head={head}
      tools={tools}
    />
  );
}
