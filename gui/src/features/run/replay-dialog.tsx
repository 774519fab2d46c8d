import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { fetchFirst } from '@/shared/api/requests/job-items';
import { replayJob } from '@/shared/api/requests/replay-job';
import type { Preset } from '@/shared/api/types';
import { parseJson } from '@/shared/format/json';
import type { Graph } from '@/shared/graph/model';
import { readingOrder } from '@/shared/graph/walk';
import type { View } from '@/shared/history/view';
import { listLength } from '@/shared/history/view';
import { useMessages } from '@/shared/i18n/messages';
import { VariableFields } from '@/shared/jobs/variable-fields';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Select, TextArea } from '@/shared/ui/field';
import { Problem } from '@/shared/ui/states';

type ReplayDialogProps = {
  readonly job: string;
  readonly view: View;
  readonly graph: Graph;
  readonly preset: Preset;
  /** The step that is looked at. */
  readonly step: string | undefined;
  readonly onClose: () => void;
};

const EDIT_ITEMS_MAX = 1_000;

/** The steps before `from`, along the wires: those that keep their results. */
function stepsBefore(graph: Graph, from: string): ReadonlySet<string> {
  const before = new Set<string>();
  const open = [from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const wire of graph.wires) {
      if (wire.to.step !== at || before.has(wire.from.step)) continue;
      before.add(wire.from.step);
      open.push(wire.from.step);
    }
  }
  before.delete(from);
  return before;
}

/** Runs it again from a step, with other variables or other items; the first run stays as it is. */
export function ReplayDialog({ job, view, graph, preset, step, onClose }: ReplayDialogProps) {
  const t = useMessages();
  const navigate = useNavigate();
  const steps = useMemo(() => readingOrder(graph).filter((card) => card.kind === 'step'), [graph]);
  const [from, setFrom] = useState(() => (steps.some((card) => card.id === step) ? (step ?? '') : ''));
  const [variables, setVariables] = useState<Readonly<Record<string, unknown>>>({});
  const [isBad, setBad] = useState(false);
  const [edit, setEdit] = useState<Edit>();
  const values = useMemo(() => {
    const defaults = Object.fromEntries(
      Object.entries(preset.variables ?? {}).map(([name, variable]) => [name, variable.value]),
    );
    return { ...defaults, ...view.submission?.variables };
  }, [preset, view]);
  const editItems = edit && parseJson(edit.text);
  const isEditBad = edit !== undefined && (!editItems?.ok || !Array.isArray(editItems.value));
  const replay = useMutation({
    mutationFn: () =>
      replayJob(job, {
        from: from || undefined,
        variables,
        edits: edit && editItems?.ok ? { [edit.step]: { [edit.port]: editItems.value as unknown[] } } : undefined,
      }),
    onSuccess: (started) => {
      onClose();
      void navigate({ to: '/runs/$job', params: { job: started.job }, search: {} });
    },
  });
  const before = useMemo(() => (from ? stepsBefore(graph, from) : new Set<string>()), [graph, from]);
  return (
    <Dialog
      title={t('replay.title')}
      hint={t('replay.hint')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button look="primary" disabled={replay.isPending || isBad || isEditBad} onClick={() => replay.mutate()}>
            {t('replay.start')}
          </Button>
        </>
      }
    >
      <Field label={t('replay.from')} hint={from ? t('replay.from.hint') : t('replay.all.hint')}>
        {(ids) => (
          <Select
            {...ids}
            value={from}
            onChange={(event) => {
              setFrom(event.target.value);
              setEdit(undefined);
            }}
          >
            <option value="">{t('replay.all')}</option>
            {steps.map((card) => (
              <option key={card.id} value={card.id}>
                {card.name}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <VariableFields preset={preset} values={values} onChange={setVariables} onBad={setBad} />
      {from && (
        <EditItems job={job} view={view} graph={graph} before={before} edit={edit} isBad={isEditBad} onEdit={setEdit} />
      )}
      <Problem error={replay.error} />
    </Dialog>
  );
}

type Edit = { readonly step: string; readonly port: string; readonly text: string };

type EditItemsProps = {
  readonly job: string;
  readonly view: View;
  readonly graph: Graph;
  readonly before: ReadonlySet<string>;
  readonly edit: Edit | undefined;
  readonly isBad: boolean;
  readonly onEdit: (edit: Edit | undefined) => void;
};

/** The items that one kept step gives instead of its own. */
function EditItems({ job, view, graph, before, edit, isBad, onEdit }: EditItemsProps) {
  const t = useMessages();
  const choices = readingOrder(graph)
    .filter((card) => before.has(card.id))
    .flatMap((card) => {
      const ports = view.runs.get(card.id)?.ports ?? {};
      return Object.entries(ports).map(([port, emitted]) => ({ card, port, length: listLength(emitted.items) }));
    });
  const load = useMutation({
    mutationFn: async ({ step, port }: { step: string; port: string }) => {
      const items = await fetchFirst({ job, run: step, side: 'out', port }, EDIT_ITEMS_MAX);
      const plain = items.map((item) => (Object.keys(item.files ?? {}).length > 0 ? item : item.json));
      onEdit({ step, port, text: JSON.stringify(plain, null, 2) });
    },
  });
  if (choices.length === 0) return null;
  const isTooMany = (length: number) => length > EDIT_ITEMS_MAX;
  return (
    <>
      <Field label={t('replay.items')} hint={t('replay.items.hint')}>
        {(ids) => (
          <Select
            {...ids}
            value={edit ? `${edit.step}\n${edit.port}` : ''}
            onChange={(event) => {
              const [step, port] = event.target.value.split('\n');
              if (step && port) load.mutate({ step, port });
              else onEdit(undefined);
            }}
          >
            <option value="">{t('replay.items.none')}</option>
            {choices.map(({ card, port, length }) => (
              <option key={`${card.id}/${port}`} value={`${card.id}\n${port}`} disabled={isTooMany(length)}>
                {card.name} → {port} ({length})
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Problem error={load.error} />
      {edit && (
        <Field label={t('replay.items.edited')} error={isBad ? t('replay.items.bad') : undefined}>
          {(ids) => (
            <TextArea
              {...ids}
              rows={10}
              className="border-wait!"
              value={edit.text}
              onChange={(event) => onEdit({ ...edit, text: event.target.value })}
            />
          )}
        </Field>
      )}
    </>
  );
}
