import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { removeSecret, secretsQuery } from '@/shared/api/requests/secrets';
import { moment } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { SecretFields, useNewSecret } from '@/shared/secrets/new-secret';
import { Button } from '@/shared/ui/button';
import { Panel } from '@/shared/ui/page';
import { Problem, Ready } from '@/shared/ui/states';

/** Secrets go in and never come out: names, and a form. */
export function SecretsPanel() {
  const t = useMessages();
  const client = useQueryClient();
  const secrets = useQuery(secretsQuery);
  const again = () => client.invalidateQueries({ queryKey: secretsQuery.queryKey });
  const fresh = useNewSecret(() => {});
  const remove = useMutation({ mutationFn: removeSecret, onSuccess: again });
  return (
    <Panel title={t('secrets.title')}>
      <div className="flex flex-col gap-3 p-4">
        <p className="text-muted">{t('secrets.hint')}</p>
        <Ready of={secrets} lines={2}>
          {(list) => (
            <ul>
              {list.map((secret) => (
                <li key={secret.name} className="flex items-center gap-3 border-b border-line py-1">
                  <code className="min-w-0 flex-1 truncate font-mono">{secret.name}</code>
                  <span className="text-meta text-muted">{t('secrets.set', { time: moment(secret.set_at) })}</span>
                  <Button
                    look="quiet"
                    needs="editor"
                    disabled={remove.isPending}
                    onClick={() => remove.mutate(secret.name)}
                    aria-label={t('secrets.remove', { name: secret.name })}
                  >
                    {t('common.remove')}
                  </Button>
                </li>
              ))}
            </ul>
          )}
        </Ready>
        <form onSubmit={fresh.submit} className="grid gap-3 sm:grid-cols-[1fr_1fr_auto] sm:items-end">
          <SecretFields of={fresh} />
          <Button needs="editor" type="submit" disabled={!fresh.canKeep}>
            {t('secrets.keep')}
          </Button>
        </form>
        <Problem error={fresh.error ?? remove.error} />
      </div>
    </Panel>
  );
}
