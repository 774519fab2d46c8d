import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { lend } from '@/shared/api/requests/engines';
import { presetsQuery } from '@/shared/api/requests/presets';
import type { Engine } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Input, Select } from '@/shared/ui/field';
import { Problem, Ready } from '@/shared/ui/states';
import { wholeNumber } from './limits';

type LendDialogProps = { readonly engines: readonly Engine[]; readonly onClose: () => void };

/** Lends a workflow: which, under which engine, and how many of its runs at once. */
export function LendDialog({ engines, onClose }: LendDialogProps) {
  const t = useMessages();
  const client = useQueryClient();
  const presets = useQuery(presetsQuery);
  const list = useId();
  const [preset, setPreset] = useState('');
  const [typed, setTyped] = useState<string>();
  const [atOnce, setAtOnce] = useState<string>();
  const chosen = presets.data?.find((it) => it.id === preset);
  const engine = (typed ?? chosen?.name ?? '').trim();
  const there = engines.find((it) => it.name === engine);
  const concurrent = atOnce ?? (there ? String(there.concurrent) : '2');
  const read = wholeNumber(concurrent);
  const isBad = read === 'wrong' || read === undefined;
  const make = useMutation({
    mutationFn: () => lend(engine, [preset], isBad ? undefined : read),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <Dialog
      title={t('lending.lend_one')}
      hint={t('lending.lend_one.hint')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            type="submit"
            form="lend"
            look="primary"
            disabled={preset === '' || engine === '' || isBad || make.isPending}
          >
            {t('lending.lend_it')}
          </Button>
        </>
      }
    >
      <form id="lend" onSubmit={submit} className="flex flex-col gap-4">
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
        <div className="grid gap-4 sm:grid-cols-[1fr_12rem]">
          <Field
            label={t('lending.engine_name')}
            hint={there ? t('lending.engine_there', { name: there.name }) : t('lending.engine_name.hint')}
          >
            {(ids) => (
              <Input
                {...ids}
                list={list}
                maxLength={64}
                value={typed ?? chosen?.name ?? ''}
                onChange={(event) => setTyped(event.target.value)}
              />
            )}
          </Field>
          <datalist id={list}>
            {engines.map((it) => (
              <option key={it.name} value={it.name} />
            ))}
          </datalist>
          <Field label={t('lending.at_once')} error={isBad ? t('grant.number') : undefined}>
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
      <p className="text-muted">{t('lending.lend_one.then')}</p>
      <Problem error={make.error} />
    </Dialog>
  );
}
