import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { presetQuery } from '../api/requests/presets';
import { type StartAsk, startJob } from '../api/requests/start-job';
import type { Preset } from '../api/types';
import { parseJson } from '../format/json';
import { useMessages } from '../i18n/messages';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { Field, Select, TextArea } from '../ui/field';
import { Problem, Ready } from '../ui/states';
import { VariableFields } from './variable-fields';

/** Which workflow: a draft of the node, or one that this page brings along. */
export type Runnable =
  | { readonly kind: 'draft'; readonly which: string }
  | { readonly kind: 'recipe'; readonly preset: Preset };

/** Starts a run, with the variables and the input that somebody wants, and goes there. */
export default function RunDialog({ what, onClose }: { readonly what: Runnable; readonly onClose: () => void }) {
  const draft = useQuery({ ...presetQuery(what.kind === 'draft' ? what.which : ''), enabled: what.kind === 'draft' });
  const t = useMessages();
  if (what.kind === 'recipe') return <Form preset={what.preset} ask={{ inline: what.preset }} onClose={onClose} />;
  if (draft.data)
    return <Form preset={draft.data.preset} ask={{ preset: what.which, heads: draft.data.heads }} onClose={onClose} />;
  return (
    <Dialog title={t('start.title', { name: what.which })} onClose={onClose}>
      <Ready of={draft}>{() => null}</Ready>
    </Dialog>
  );
}

type FormProps = { readonly preset: Preset; readonly ask: StartAsk; readonly onClose: () => void };

function Form({ preset, ask, onClose }: FormProps) {
  const t = useMessages();
  const navigate = useNavigate();
  const form = useId();
  const [variables, setVariables] = useState<Readonly<Record<string, unknown>>>({});
  const [isBad, setBad] = useState(false);
  const [input, setInput] = useState('');
  const [isDry, setDry] = useState(false);
  const triggers = Object.entries(preset.triggers ?? {}).filter(([, trigger]) => !trigger.disabled);
  const manual = triggers.find(([, trigger]) => trigger.component === 'manual')?.[0];
  const [trigger, setTrigger] = useState(manual ?? triggers[0]?.[0] ?? '');
  // The same press of the button, sent twice, is one run.
  const [key] = useState(() => crypto.randomUUID());
  const items = input.trim() === '' ? undefined : parseJson(input);
  const start = useMutation({
    mutationFn: () =>
      startJob(
        {
          ...ask,
          variables,
          dry_run: isDry,
          trigger: trigger || undefined,
          input: items?.ok ? (Array.isArray(items.value) ? items.value : [items.value]) : undefined,
        },
        key,
      ),
    onSuccess: (job) => {
      onClose();
      void navigate({ to: '/runs/$job', params: { job } });
    },
  });
  const canStart = !start.isPending && !isBad && items?.ok !== false;
  const values = Object.fromEntries(
    Object.entries(preset.variables ?? {}).map(([name, variable]) => [name, variable.value]),
  );
  return (
    <Dialog
      title={t('start.title', { name: preset.title || preset.name })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form={form} look="primary" disabled={!canStart}>
            {t('start.run')}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (canStart) start.mutate();
        }}
      >
        <VariableFields preset={preset} values={values} onChange={setVariables} onBad={setBad} />
        {triggers.length > 1 && (
          <Field label={t('start.trigger')} hint={t('start.trigger.hint')}>
            {(ids) => (
              <Select {...ids} value={trigger} onChange={(event) => setTrigger(event.target.value)}>
                {triggers.map(([id, it]) => (
                  <option key={id} value={id}>
                    {it.name || id}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        )}
        <Field
          label={t('start.input')}
          hint={t('start.input.hint')}
          error={items?.ok === false ? items.error : undefined}
        >
          {(ids) => (
            <TextArea
              {...ids}
              rows={3}
              placeholder='{ "name": "Ada" }'
              value={input}
              onChange={(event) => setInput(event.target.value)}
            />
          )}
        </Field>
        <label className="flex items-start gap-2">
          <input
            type="checkbox"
            className="mt-0.5 size-4 accent-accent"
            checked={isDry}
            onChange={(event) => setDry(event.target.checked)}
          />
          <span>
            {t('start.dry')}
            <span className="block text-muted">{t('start.dry.hint')}</span>
          </span>
        </label>
      </form>
      <Problem error={start.error} />
    </Dialog>
  );
}
