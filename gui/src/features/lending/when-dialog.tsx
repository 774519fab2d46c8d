import { useMutation, useQueryClient } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { type FormEvent, type KeyboardEvent, useRef, useState } from 'react';
import { setPolicy } from '@/shared/api/requests/engines';
import type { Engine, Policy } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { Button, IconButton } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Input } from '@/shared/ui/field';
import { Segments } from '@/shared/ui/segments';
import { Problem } from '@/shared/ui/states';
import { type PolicyTexts, policyTexts, programName, readPolicy, thenWords, withProgram } from './policy';
import { Draws, OwnUse } from './when-fields';

type WhenDialogProps = { readonly engine: Engine; readonly onClose: () => void };

/** When an engine is lent: at which hours, and what it keeps out of the way of. */
export function WhenDialog({ engine, onClose }: WhenDialogProps) {
  const t = useMessages();
  const client = useQueryClient();
  const [texts, setTexts] = useState(() => policyTexts(engine.policy));
  const policy = readPolicy(texts);
  const save = useMutation({
    mutationFn: (next: Policy) => setPolicy(engine.name, next),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['mesh'] });
      onClose();
    },
  });
  const change = (next: Partial<PolicyTexts>) => {
    setTexts((before) => ({ ...before, ...next }));
    save.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (policy) save.mutate(policy);
  };
  return (
    <Dialog
      title={t('when.title', { name: engine.name })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" form="when" look="primary" disabled={!policy || save.isPending}>
            {t('when.save')}
          </Button>
        </>
      }
    >
      <form id="when" onSubmit={submit} className="flex flex-col gap-4">
        <Segments
          label={t('when.hours')}
          options={[
            { id: 'any', label: t('when.any') },
            { id: 'some', label: t('when.some') },
          ]}
          value={texts.isAnyTime ? 'any' : 'some'}
          onChange={(id) => change({ isAnyTime: id === 'any' })}
        />
        {!texts.isAnyTime && <HoursFields texts={texts} onChange={change} />}
        <Programs texts={texts} onChange={change} />
        <OwnUse texts={texts} onChange={change} />
        <Draws texts={texts} onChange={change} />
      </form>
      <p className="text-muted">
        {thenWords(t, engine.offers)} {t('when.sees')}
      </p>
      <Problem error={save.error} />
    </Dialog>
  );
}

type FieldsProps = { readonly texts: PolicyTexts; readonly onChange: (next: Partial<PolicyTexts>) => void };

function HoursFields({ texts: { from, to }, onChange }: FieldsProps) {
  const t = useMessages();
  return (
    <div className="flex flex-col gap-2">
      <div className="grid grid-cols-2 gap-4 sm:grid-cols-[9rem_9rem]">
        <Field label={t('when.from')}>
          {(ids) => (
            <Input
              {...ids}
              type="time"
              required
              value={from}
              onChange={(event) => onChange({ from: event.target.value })}
            />
          )}
        </Field>
        <Field label={t('when.to')}>
          {(ids) => (
            <Input
              {...ids}
              type="time"
              required
              value={to}
              onChange={(event) => onChange({ to: event.target.value })}
            />
          )}
        </Field>
      </div>
      {from !== '' && from === to ? (
        <p role="alert" className="text-fail">
          {t('when.same', { time: from })}
        </p>
      ) : (
        <p className="text-muted">{t('when.clock')}</p>
      )}
    </div>
  );
}

/** The programs, each with its way out, and a field for one more. */
function Programs({ texts, onChange }: FieldsProps) {
  const t = useMessages();
  const { programs, program } = texts;
  const field = useRef<HTMLDivElement>(null);
  const read = programName(program);
  const goOn = () => field.current?.querySelector('input')?.focus();
  const add = () => {
    onChange(withProgram(texts));
    goOn();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // With nothing typed, Enter saves.
    if (event.key !== 'Enter' || read === undefined) return;
    event.preventDefault();
    add();
  };
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="pb-1 font-semibold">{t('when.programs')}</legend>
      {programs.length > 0 && (
        <ul className="flex flex-wrap gap-2">
          {programs.map((name) => (
            <li key={name} className="flex max-w-full items-center rounded-control border border-line bg-raised pl-2.5">
              <span className="min-w-0 break-all">{name}</span>
              <IconButton
                label={t('when.remove', { program: name })}
                onClick={() => {
                  onChange({ programs: programs.filter((it) => it !== name) });
                  goOn();
                }}
              >
                <X aria-hidden className="size-4" />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
      <Field
        label={t('when.program')}
        hint={t('when.program.hint')}
        error={read === 'wrong' ? t('when.program.path') : undefined}
      >
        {(ids) => (
          <div ref={field} className="flex gap-2">
            <Input
              {...ids}
              autoComplete="off"
              spellCheck={false}
              value={program}
              onChange={(event) => onChange({ program: event.target.value })}
              onKeyDown={onKeyDown}
            />
            <Button disabled={read === undefined || read === 'wrong'} onClick={add}>
              {t('common.add')}
            </Button>
          </div>
        )}
      </Field>
    </fieldset>
  );
}
