import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, Suspense, useId, useState } from 'react';
import { type Lent, lend } from '@/shared/api/requests/engines';
import { presetsQuery } from '@/shared/api/requests/presets';
import type { Engine, LentTool, ModelAt } from '@/shared/api/types';
import { type PlainKey, type Translate, useMessages } from '@/shared/i18n/messages';
import { ASK, toolCapability } from '@/shared/mesh/sentence';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Input, Select } from '@/shared/ui/field';
import { lazily } from '@/shared/ui/lazily';
import { Segments } from '@/shared/ui/segments';
import { Loading, Problem, Ready } from '@/shared/ui/states';
import { wholeNumber } from './limits';
import { ModelField } from './model-field';
import { engineFor } from './models';
import type { ChosenTool } from './tool';

type LendDialogProps = { readonly engines: readonly Engine[]; readonly onClose: () => void };

// With it come the forms of components, which nothing else on this page needs.
const ToolField = lazily(() => import('./tool-field'));

const KINDS = ['workflow', 'component', 'model'] as const;
type Kind = (typeof KINDS)[number];

const HINTS = {
  workflow: 'lending.workflow.hint',
  component: 'lending.component.hint',
  model: 'lending.model.hint',
} as const satisfies Record<Kind, PlainKey>;
const THEN = {
  workflow: 'lending.workflow.then',
  component: 'lending.component.then',
  model: 'lending.model.then',
} as const satisfies Record<Kind, PlainKey>;

/** Lends a workflow, a single component or a model of this machine: which, under which engine, and how many at once. */
export function LendDialog({ engines, onClose }: LendDialogProps) {
  const t = useMessages();
  const client = useQueryClient();
  const presets = useQuery(presetsQuery);
  const [kind, setKind] = useState<Kind>('workflow');
  const [preset, setPreset] = useState('');
  const [model, setModel] = useState<ModelAt>();
  const [tool, setTool] = useState<ChosenTool>();
  const [typed, setTyped] = useState<string>();
  const [atOnce, setAtOnce] = useState<string>();
  const chosen = presets.data?.find((it) => it.id === preset);
  const offered = {
    workflow: chosen?.name,
    component: tool?.tool.component,
    model: model && engineFor(model.model),
  }[kind];
  const engine = (typed ?? offered ?? '').trim();
  const there = engines.find((it) => it.name === engine);
  const concurrent = atOnce ?? (there ? String(there.concurrent) : '2');
  const read = wholeNumber(concurrent);
  const isBad = read === 'wrong' || read === undefined;
  const what: Lent | undefined = {
    workflow: preset === '' ? undefined : { run: [preset] },
    component: tool?.isWhole ? { tool: [tool.tool] } : undefined,
    model: model && { chat: model },
  }[kind];
  const make = useMutation({
    mutationFn: (lent: Lent) => lend(engine, lent, isBad ? undefined : read),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  const choose = (next: Kind) => {
    setKind(next);
    make.reset();
  };
  const changeTool = (next: ChosenTool | undefined) => {
    setTool(next);
    make.reset();
  };
  const isWhole = what !== undefined && engine !== '' && !isBad;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isWhole) make.mutate(what);
  };
  return (
    <Dialog
      title={t('lending.lend_one')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form="lend" look="primary" disabled={!isWhole || make.isPending}>
            {t('lending.lend_it')}
          </Button>
        </>
      }
    >
      <form id="lend" onSubmit={submit} className="flex flex-col gap-4">
        <Segments
          label={t('lending.what')}
          options={KINDS.map((id) => ({ id, label: t(`lending.what.${id}`) }))}
          value={kind}
          onChange={choose}
        />
        <p className="text-muted">{t(HINTS[kind])}</p>
        {kind === 'model' && <ModelField value={model} onChange={setModel} />}
        {kind === 'component' && (
          <Suspense fallback={<Loading lines={2} />}>
            <ToolField value={tool?.tool} onChange={changeTool} refused={make.error} />
          </Suspense>
        )}
        {kind === 'workflow' && (
          <Ready of={presets} lines={2}>
            {(all) => (
              <Field label={t('lending.workflow')} hint={all.length === 0 ? t('lending.no_workflow') : undefined}>
                {(ids) => (
                  <Select {...ids} value={preset} onChange={(event) => setPreset(event.target.value)}>
                    <option value="">{t('lending.choose')}</option>
                    {all.map((it) => (
                      <option key={it.id} value={it.id}>
                        {it.title || it.name}
                      </option>
                    ))}
                  </Select>
                )}
              </Field>
            )}
          </Ready>
        )}
        <div className="grid gap-4 sm:grid-cols-[1fr_12rem]">
          <EngineField
            value={typed ?? offered ?? ''}
            onChange={setTyped}
            engines={engines}
            there={there}
            asked={kind === 'workflow' ? undefined : kind === 'model' ? model : tool?.tool}
          />
          <Field
            label={t(kind === 'model' ? 'lending.at_once.model' : 'lending.at_once')}
            error={isBad ? t('grant.number') : undefined}
          >
            {(ids) => (
              <Input
                {...ids}
                inputMode="numeric"
                value={concurrent}
                onChange={(event) => setAtOnce(event.target.value)}
              />
            )}
          </Field>
        </div>
      </form>
      <p className="text-muted">{t(THEN[kind])}</p>
      <Problem error={make.error} />
    </Dialog>
  );
}

type EngineFieldProps = {
  readonly value: string;
  readonly onChange: (name: string) => void;
  readonly engines: readonly Engine[];
  /** The one that has this name already. */
  readonly there: Engine | undefined;
  /** The model or component that is to be lent, which takes the place of another one. */
  readonly asked: ModelAt | LentTool | undefined;
};

/** Under which name it is lent, and what that does to an engine that is there. */
function EngineField({ value, onChange, engines, there, asked }: EngineFieldProps) {
  const t = useMessages();
  const list = useId();
  const hint = there
    ? (replaced(t, there, asked) ?? t('lending.engine_there', { name: there.name }))
    : t('lending.engine_name.hint');
  return (
    <>
      <Field label={t('lending.engine_name')} hint={hint}>
        {(ids) => (
          <Input {...ids} list={list} maxLength={64} value={value} onChange={(event) => onChange(event.target.value)} />
        )}
      </Field>
      <datalist id={list}>
        {engines.map((it) => (
          <option key={it.name} value={it.name} />
        ))}
      </datalist>
    </>
  );
}

/** What an engine lends already, whose place the new one takes; undefined when it is only added. */
function replaced(t: Translate, { name, offers }: Engine, asked: ModelAt | LentTool | undefined): string | undefined {
  if (!asked) return undefined;
  if ('component' in asked) {
    const { component } = asked;
    return toolCapability(component) in offers ? t('lending.engine_component', { name, component }) : undefined;
  }
  const before = offers[ASK];
  const isOther = before?.kind === 'chat' && (before.model !== asked.model || before.server !== asked.server);
  return isOther ? t('lending.engine_model', { name, model: before.model }) : undefined;
}
