import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { LogOut, MonitorSmartphone } from 'lucide-react';
import { useState } from 'react';
import { isForbidden } from '@/shared/api/problem';
import { loginKeysQuery, removeLoginKey } from '@/shared/api/requests/login-keys';
import { endSession, sessionsQuery } from '@/shared/api/requests/sessions';
import { signOut, signOutHere } from '@/shared/api/requests/sign-out';
import { useSession } from '@/shared/auth/session';
import { fullTime, moment } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Dialog } from '@/shared/ui/dialog';
import { Panel } from '@/shared/ui/page';
import { Problem, Ready } from '@/shared/ui/states';
import { LoginLinkDialog } from './login-link-dialog';
import { LoginRequests } from './login-requests';

/** Who is signed in and which browsers may sign in; each can be ended here. */
export function AccessPanel() {
  const t = useMessages();
  const session = useSession();
  const [isLinking, setLinking] = useState(false);
  const leave = useMutation({ mutationFn: signOut });
  const isToken = session.kind === 'bearer' && session.source === 'token';
  return (
    <Panel title={t('access.title')}>
      <div className="flex flex-col gap-5 p-4">
        <div className="flex flex-wrap gap-2">
          <Button needs="admin" onClick={() => setLinking(true)}>
            <MonitorSmartphone aria-hidden className="size-4" />
            {t('access.another')}
          </Button>
          <Button disabled={leave.isPending} onClick={() => leave.mutate()}>
            <LogOut aria-hidden className="size-4" />
            {t('access.sign_out')}
          </Button>
        </div>
        {leave.error && (
          <div className="flex flex-wrap items-center gap-3">
            <Problem error={leave.error} />
            <Button onClick={signOutHere}>{t('access.sign_out_here')}</Button>
          </div>
        )}
        {isToken && <p className="text-muted">{t('access.by_token')}</p>}
        <LoginRequests />
        <Sessions />
        <Keys />
      </div>
      {isLinking && <LoginLinkDialog onClose={() => setLinking(false)} />}
    </Panel>
  );
}

function Sessions() {
  const t = useMessages();
  const client = useQueryClient();
  const sessions = useQuery(sessionsQuery);
  const end = useMutation({
    mutationFn: endSession,
    onSuccess: () => client.invalidateQueries({ queryKey: ['sessions'] }),
  });
  return (
    <section>
      <h3>{t('access.sessions')}</h3>
      <p className="pb-1 text-muted">{t('access.sessions.hint')}</p>
      <Ready of={sessions} lines={2}>
        {(list) =>
          list.length === 0 ? (
            <p className="text-muted">{t('access.sessions.none')}</p>
          ) : (
            <ul>
              {[...list]
                .sort(
                  (one, other) =>
                    Number(other.is_current) - Number(one.is_current) || other.created_at - one.created_at,
                )
                .map((it) => (
                  <li key={it.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line py-1.5">
                    <span className="min-w-0 flex-1 basis-44">
                      <span className="block truncate">
                        {it.label}
                        {it.is_current && <strong className="text-ok"> · {t('access.this_one')}</strong>}
                      </span>
                      <span className="block text-meta text-muted" title={fullTime(it.created_at)}>
                        {t(`role.${it.role}`)} · {t('access.since', { time: moment(it.created_at) })}
                        {it.expires_at != null && ` · ${t('access.until', { time: moment(it.expires_at) })}`}
                      </span>
                    </span>
                    {!it.is_current && (
                      <Button
                        look="quiet"
                        disabled={end.isPending}
                        onClick={() => end.mutate(it.id)}
                        aria-label={t('access.end_one', { name: it.label, time: moment(it.created_at) })}
                      >
                        {t('access.end')}
                      </Button>
                    )}
                  </li>
                ))}
            </ul>
          )
        }
      </Ready>
      <Problem error={end.error} />
    </section>
  );
}

type Removing = { readonly id: string; readonly label: string; readonly sessions: number };

/** The browsers that may sign in by themselves. Who may not see them sees nothing of it. */
function Keys() {
  const t = useMessages();
  const client = useQueryClient();
  const keys = useQuery(loginKeysQuery);
  const sessions = useQuery(sessionsQuery);
  const own = sessions.data?.find((it) => it.is_current)?.key;
  const [removing, setRemoving] = useState<Removing>();
  const remove = useMutation({
    mutationFn: removeLoginKey,
    onSuccess: () => {
      setRemoving(undefined);
      void client.invalidateQueries({ queryKey: ['login-keys'] });
      void client.invalidateQueries({ queryKey: ['sessions'] });
    },
  });
  if (isForbidden(keys.error)) return null;
  return (
    <section>
      <h3>{t('access.keys')}</h3>
      <p className="pb-1 text-muted">{t('access.keys.hint')}</p>
      <Ready of={keys} lines={2}>
        {(list) =>
          list.length === 0 ? (
            <p className="text-muted">{t('access.keys.none')}</p>
          ) : (
            <ul>
              {list.map((key) => (
                <li key={key.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line py-1.5">
                  <span className="min-w-0 flex-1 basis-44">
                    <span className="block truncate">
                      {key.label}
                      {key.id === own && <strong className="text-ok"> · {t('access.this_browser')}</strong>}
                    </span>
                    <span className="block text-meta text-muted">
                      {t(`role.${key.role}`)} · {t('access.known_since', { time: moment(key.created_at) })} ·{' '}
                      {t('access.sessions_of', { count: key.sessions })}
                    </span>
                  </span>
                  <Button
                    look="quiet"
                    onClick={() => setRemoving(key)}
                    aria-label={t('access.remove_one', { name: key.label })}
                  >
                    {t('common.remove')}
                  </Button>
                </li>
              ))}
            </ul>
          )
        }
      </Ready>
      {removing && (
        <Dialog
          title={t('access.remove.title', { name: removing.label })}
          onClose={() => setRemoving(undefined)}
          footer={
            <>
              <Button onClick={() => setRemoving(undefined)}>{t('common.cancel')}</Button>
              <Button look="danger" disabled={remove.isPending} onClick={() => remove.mutate(removing.id)}>
                {t('common.remove')}
              </Button>
            </>
          }
        >
          <p>{t('access.remove.goes', { count: removing.sessions })}</p>
          {removing.id === own && <p className="text-wait">{t('access.remove.own')}</p>}
          <Problem error={remove.error} />
        </Dialog>
      )}
    </section>
  );
}
