import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useEffect, useState } from 'react';
import { modelServersQuery } from '@/shared/api/requests/model-servers';
import type { ModelAt, ModelServer } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Field, Input, Select } from '@/shared/ui/field';
import { Problem } from '@/shared/ui/states';
import { modelsOf, serversOf } from './models';
import { fullAddress, serverWords } from './offers';

type ModelFieldProps = {
  readonly value: ModelAt | undefined;
  readonly onChange: (model: ModelAt | undefined) => void;
};

/** One of the models of this machine: of servers that are found by themselves, and of one whose address is typed. */
export function ModelField({ value, onChange }: ModelFieldProps) {
  const t = useMessages();
  const [at, setAt] = useState<string>();
  const usual = useQuery({ ...modelServersQuery(), staleTime: 0 });
  const typed = useQuery({ ...modelServersQuery(at), enabled: at !== undefined, staleTime: 0 });
  const servers = serversOf(usual.data, at === undefined ? undefined : typed.data);
  const models = modelsOf(servers);
  const withModels = servers.filter((it) => it.models.length > 0);
  const isLooking = usual.isPending || (at !== undefined && typed.isFetching);
  const chosen = models.findIndex((it) => it.server === value?.server && it.model === value.model);
  // Whoever typed an address means a model of that server.
  const [only, second] = at !== undefined && typed.data ? modelsOf(typed.data) : models;
  useEffect(() => {
    if (isLooking || chosen >= 0) return;
    // The only one is meant, and one that is gone is not.
    if (only && !second) onChange(only);
    else if (value) onChange(undefined);
  }, [chosen, only, second, value, isLooking, onChange]);
  return (
    <>
      <p role="status" className="text-muted empty:hidden">
        {isLooking ? t('lending.model.looking') : servers.length === 0 && !typed.error && t('lending.model.none')}
      </p>
      {models.length > 0 && (
        <Field label={t('lending.model')}>
          {(ids) => (
            <Select {...ids} value={chosen} onChange={(event) => onChange(models[Number(event.target.value)])}>
              {chosen < 0 && <option value={-1}>{t('lending.choose')}</option>}
              {withModels.map((server) => (
                <optgroup key={server.url} label={serverWords(t, server.url, server.software)}>
                  {server.models.map((model) => (
                    <option
                      key={model}
                      value={models.findIndex((it) => it.server === server.url && it.model === model)}
                    >
                      {model}
                    </option>
                  ))}
                </optgroup>
              ))}
            </Select>
          )}
        </Field>
      )}
      {servers
        .filter((it) => it.models.length === 0)
        .map((it) => (
          <p key={it.url} className="text-wait">
            {t('lending.model.empty', { server: serverWords(t, it.url, it.software) })}
          </p>
        ))}
      <Address
        isOpen={!usual.isPending && (usual.data ?? NONE).length === 0}
        error={usual.error ?? (at === undefined ? undefined : typed.error)}
        isLooking={isLooking}
        onLook={(address) => {
          onChange(undefined);
          if (address === at) void typed.refetch();
          else setAt(address);
        }}
      />
    </>
  );
}

const NONE: readonly ModelServer[] = [];

type AddressProps = {
  /** Whether it is needed: nothing was found without it. */
  readonly isOpen: boolean;
  readonly error: unknown;
  readonly isLooking: boolean;
  readonly onLook: (address: string) => void;
};

/** Where a server listens that is not found by itself. */
function Address({ isOpen, error, isLooking, onLook }: AddressProps) {
  const t = useMessages();
  const [text, setText] = useState('');
  const isEmpty = text.trim() === '';
  const look = () => {
    if (!isEmpty) onLook(fullAddress(text));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    look();
  };
  const field = (
    <div className="flex flex-col gap-2">
      <Field label={t('lending.model.address')} hint={t('lending.model.address.hint')}>
        {(ids) => (
          <div className="flex gap-2">
            <Input
              {...ids}
              inputMode="url"
              autoComplete="off"
              spellCheck={false}
              placeholder="http://127.0.0.1:8080"
              value={text}
              onChange={(event) => setText(event.target.value)}
              onKeyDown={onKeyDown}
            />
            <Button disabled={isEmpty || isLooking} onClick={look}>
              {t('lending.model.look')}
            </Button>
          </div>
        )}
      </Field>
      <Problem error={error} />
    </div>
  );
  if (isOpen) return field;
  return (
    <details>
      <summary className="text-muted">{t('lending.model.elsewhere')}</summary>
      <div className="pt-2">{field}</div>
    </details>
  );
}
