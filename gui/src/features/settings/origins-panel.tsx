import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { changeSettings, settingsQuery } from '@/shared/api/requests/settings';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Field, Input } from '@/shared/ui/field';
import { Panel } from '@/shared/ui/page';
import { Problem, Ready } from '@/shared/ui/states';
import { ORIGINS_SETTING, originOf, originsIn } from './origins';

/** Which pages that are hosted elsewhere may ask this node. */
export function OriginsPanel() {
  const t = useMessages();
  const client = useQueryClient();
  const settings = useQuery(settingsQuery);
  const [text, setText] = useState('');
  const origin = originOf(text);
  const change = useMutation({
    mutationFn: (to: readonly string[]) => changeSettings({ [ORIGINS_SETTING]: to.length > 0 ? to : null }),
    onSuccess: (_, to) => {
      setText('');
      // It is on disk and counts in a moment.
      client.setQueryData(settingsQuery.queryKey, (old) => ({ ...old, [ORIGINS_SETTING]: to }));
      void client.invalidateQueries({ queryKey: settingsQuery.queryKey });
    },
  });
  return (
    <Panel title={t('origins.title')}>
      <div className="flex flex-col gap-3 p-4">
        <p className="text-muted">{t('origins.hint')}</p>
        <Ready of={settings} lines={1}>
          {(all) => {
            const list = originsIn(all);
            const submit = (event: FormEvent) => {
              event.preventDefault();
              if (origin && !list.includes(origin)) change.mutate([...list, origin]);
            };
            return (
              <>
                {list.length > 0 && (
                  <ul>
                    {list.map((it) => (
                      <li key={it} className="flex items-center gap-3 border-b border-line py-1">
                        <code className="min-w-0 flex-1 truncate font-mono">{it}</code>
                        <Button
                          needs="admin"
                          look="quiet"
                          disabled={change.isPending}
                          onClick={() => change.mutate(list.filter((other) => other !== it))}
                          aria-label={t('origins.remove', { origin: it })}
                        >
                          {t('common.remove')}
                        </Button>
                      </li>
                    ))}
                  </ul>
                )}
                <form onSubmit={submit} className="grid gap-3 sm:grid-cols-[1fr_auto] sm:items-end">
                  <Field
                    label={t('origins.address')}
                    error={text.trim() !== '' && !origin ? t('origins.bad') : undefined}
                  >
                    {(ids) => (
                      <Input
                        {...ids}
                        inputMode="url"
                        placeholder="https://gui.example"
                        value={text}
                        onChange={(event) => setText(event.target.value)}
                      />
                    )}
                  </Field>
                  <Button needs="admin" type="submit" disabled={!origin || list.includes(origin) || change.isPending}>
                    {t('origins.allow')}
                  </Button>
                </form>
              </>
            );
          }}
        </Ready>
        <Problem error={change.error} />
      </div>
    </Panel>
  );
}
