import { type FormEvent, useId, useRef, useState } from 'react';
import type { Mesh } from '@/shared/api/types';
import { useRefused } from '@/shared/auth/may';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Field, Input } from '@/shared/ui/field';
import { Prose } from '@/shared/ui/prose';
import { Problem, Ready } from '@/shared/ui/states';
import { Switch } from '@/shared/ui/switch';
import {
  addressesOf,
  flipped,
  isNodeName,
  isOn,
  type OwnSwitch,
  ownAddresses,
  ownName,
  SETTINGS,
  SWITCHES,
} from './own-reach';
import type { OwnReach } from './use-own-reach';

type Part = { readonly own: OwnReach; readonly settings: Readonly<Record<string, unknown>> };

/** What the owner of this node can say of how others reach it. Each change counts by itself, in a moment. */
export function ReachForm({ own, mesh }: { readonly own: OwnReach; readonly mesh: Mesh }) {
  const t = useMessages();
  const { counts } = own;
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <Ready of={own.settings} lines={3}>
        {(settings) => (
          <>
            <NameField own={own} name={ownName(settings) ?? mesh.name} />
            <ul className="flex flex-col gap-3">
              {SWITCHES.map((it) => (
                <SwitchRow key={it.id} it={it} own={own} settings={settings} />
              ))}
            </ul>
            <OwnAddresses own={own} settings={settings} />
          </>
        )}
      </Ready>
      {/* What was changed may be far above on a phone; this stays in sight, over the padding of the page. */}
      <div className="sticky -bottom-8 bg-surface">
        <p
          role="status"
          className={`border-t border-line py-2 empty:border-0 empty:py-0 ${counts ? 'text-ok' : 'text-wait'}`}
        >
          {counts === undefined ? '' : counts ? t('friends.counts') : t('friends.counts_soon')}
        </p>
        <Problem error={own.change.error} />
      </div>
    </div>
  );
}

/** A field that is not for whoever is signed in can be read. */
const READ_ONLY = 'bg-raised! text-muted';

function NameField({ own, name }: { readonly own: OwnReach; readonly name: string }) {
  const t = useMessages();
  const refused = useRefused('admin');
  const [text, setText] = useState<string>();
  const next = (text ?? name).trim();
  const isBad = next !== '' && !isNodeName(next);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    own.change.mutate({ [SETTINGS.name]: next === '' ? null : next }, { onSuccess: () => setText(undefined) });
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-[1fr_auto] items-start gap-x-3">
      <Field
        label={t('friends.own_name')}
        hint={t('friends.own_name.hint')}
        error={isBad ? t('friends.own_name.bad') : undefined}
      >
        {(ids) => (
          <Input
            {...ids}
            readOnly={refused !== undefined}
            title={refused}
            className={refused === undefined ? '' : READ_ONLY}
            autoComplete="off"
            value={text ?? name}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <Button
        needs="admin"
        type="submit"
        // Beside the field, whose name and hint stand above and below it.
        className="mt-6"
        disabled={isBad || next === name || own.change.isPending}
      >
        {t('friends.rename')}
      </Button>
    </form>
  );
}

function SwitchRow({ it, own, settings }: Part & { readonly it: OwnSwitch }) {
  const t = useMessages();
  const hint = useId();
  return (
    <li className="grid grid-cols-[1fr_auto] items-start gap-x-3">
      <div>
        <p className="font-semibold">{t(`friends.switch.${it.id}`)}</p>
        <p id={hint} className="text-muted">
          <Prose text={t(`friends.switch.${it.id}.hint`)} />
        </p>
      </div>
      <Switch
        isOn={isOn(settings, it)}
        label={t(`friends.switch.${it.id}`)}
        describedBy={hint}
        words={{ on: t('common.on'), off: t('common.off') }}
        needs="admin"
        isBusy={own.change.isPending}
        onFlip={() => own.change.mutate(flipped(settings, it))}
        className="min-w-18"
      />
    </li>
  );
}

function OwnAddresses({ own, settings }: Part) {
  const t = useMessages();
  const refused = useRefused('admin');
  const form = useRef<HTMLFormElement>(null);
  const [text, setText] = useState('');
  const list = ownAddresses(settings);
  const added = addressesOf(text).filter((it) => !list.includes(it));
  const keep = (all: readonly string[], onSuccess?: () => void) =>
    own.change.mutate({ [SETTINGS.external]: all.length > 0 ? all : null }, { onSuccess });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (added.length > 0) keep([...list, ...added], () => setText(''));
  };
  return (
    <div>
      <form ref={form} onSubmit={submit} className="grid grid-cols-[1fr_auto] items-start gap-x-3">
        <Field
          label={t('friends.own_addresses')}
          hint={t('friends.own_addresses.hint')}
          error={text.trim() !== '' && addressesOf(text).length === 0 ? t('friends.own_addresses.bad') : undefined}
        >
          {(ids) => (
            <Input
              {...ids}
              readOnly={refused !== undefined}
              title={refused}
              className={refused === undefined ? '' : READ_ONLY}
              autoComplete="off"
              spellCheck={false}
              placeholder="203.0.113.5:4142"
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
        <Button needs="admin" type="submit" className="mt-6" disabled={added.length === 0 || own.change.isPending}>
          {t('common.add')}
        </Button>
      </form>
      <ul className="empty:hidden">
        {list.map((it) => (
          <li key={it} className="flex items-center gap-3 border-b border-line py-1">
            <code className="min-w-0 flex-1 font-mono text-meta break-all">{it}</code>
            <Button
              needs="admin"
              look="quiet"
              disabled={own.change.isPending}
              onClick={() => {
                // The button goes with its address; the focus stays nearby.
                form.current?.querySelector('input')?.focus();
                keep(list.filter((other) => other !== it));
              }}
              aria-label={t('friends.own_addresses.remove', { address: it })}
            >
              {t('common.remove')}
            </Button>
          </li>
        ))}
      </ul>
    </div>
  );
}
