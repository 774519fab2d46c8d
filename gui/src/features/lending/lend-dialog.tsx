import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { type Lent, lend } from '@/shared/api/requests/engines';
import { presetsQuery } from '@/shared/api/requests/presets';
import type { Engine, ModelAt } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { ASK } from '@/shared/mesh/sentence';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Input, Select } from '@/shared/ui/field';
import { Segments } from '@/shared/ui/segments';
import { Problem, Ready } from '@/shared/ui/states';
import { wholeNumber } from './limits';
import { ModelField } from './model-field';
import { engineFor } from './models';

type LendDialogProps = { readonly engines: readonly Engine[]; readonly onClose: () => void };

const KINDS = ['workflow', 'model'] as const;

/** Lends a workflow or a model of this machine: which, under which engine, and how many at once. */
export function LendDialog({ engines, onClose }: LendDialogProps) {
  const t = useMessages();
  const client = useQueryClient();
  const presets = useQuery(presetsQuery);
  const [kind, setKind] = useState<(typeof KINDS)[number]>('workflow');
  const [preset, setPreset] = useState('');
  const [model, setModel] = useState<ModelAt>();
  const [typed, setTyped] = useState<string>();
  const [atOnce, setAtOnce] = useState<string>();
  const chosen = presets.data?.find((it) => it.id === preset);
  const offered = kind === 'workflow' ? chosen?.name : model && engineFor(model.model);
  const engine = (typed ?? offered ?? '').trim();
  const there = engines.find((it) => it.name === engine);
  const concurrent = atOnce ?? (there ? String(there.concurrent) : '2');
  const read = wholeNumber(concurrent);
  const isBad = read === 'wrong' || read === undefined;
  const what: Lent | undefined =
    kind === 'model' ? model && { chat: model } : preset === '' ? undefined : { run: [preset] };
  const make = useMutation({
    mutationFn: (lent: Lent) => lend(engine, lent, isBad ? undefined : read),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  const choose = (next: (typeof KINDS)[number]) => {
    setKind(next);
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
        <p className="text-muted">{t(kind === 'model' ? 'lending.model.hint' : 'lending.workflow.hint')}</p>
        {kind === 'model' ? (
          <ModelField value={model} onChange={setModel} />
        ) : (
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
            asked={kind === 'model' ? model : undefined}
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
      <p className="text-muted">{t(kind === 'model' ? 'lending.model.then' : 'lending.workflow.then')}</p>
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
  /** The model that is to be lent, which takes the place of another one. */
  readonly asked: ModelAt | undefined;
};

/** Under which name it is lent, and what that does to an engine that is there. */
function EngineField({ value, onChange, engines, there, asked }: EngineFieldProps) {
  const t = useMessages();
  const list = useId();
  const before = there?.offers[ASK];
  const isOther = asked && before?.kind === 'chat' && (before.model !== asked.model || before.server !== asked.server);
  const hint = !there
    ? t('lending.engine_name.hint')
    : isOther
      ? t('lending.engine_model', { name: there.name, model: before.model })
      : t('lending.engine_there', { name: there.name });
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
