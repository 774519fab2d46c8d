import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { letIn, loginRequestsQuery, refuseLogin } from '@/shared/api/requests/login-requests';
import type { Role } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Select } from '@/shared/ui/field';
import { Problem } from '@/shared/ui/states';
import { ROLES } from './roles';

/** Browsers that ask to be let in; nothing while none does. */
export function LoginRequests() {
  const t = useMessages();
  const client = useQueryClient();
  const [role, setRole] = useState<Role>('admin');
  const requests = useQuery(loginRequestsQuery);
  const again = () => {
    for (const key of ['login-requests', 'login-keys', 'sessions']) void client.invalidateQueries({ queryKey: [key] });
  };
  const approve = useMutation({ mutationFn: letIn, onSettled: again });
  const refuse = useMutation({ mutationFn: refuseLogin, onSettled: again });
  const isBusy = approve.isPending || refuse.isPending;
  if (!requests.data?.length) return null;
  return (
    <section className="rounded-card border border-wait p-3">
      <h3>{t('access.requests')}</h3>
      <p className="pb-1 text-muted">{t('access.requests.hint')}</p>
      <ul>
        {requests.data.map((it) => (
          <li key={it.id} className="flex flex-wrap items-center gap-3 py-1.5">
            <span className="min-w-0 flex-1 basis-44">
              <span className="block truncate">{it.label}</span>
              <span className="block font-mono">{it.code}</span>
            </span>
            <Select
              aria-label={t('access.link.role')}
              value={role}
              onChange={(event) => setRole(event.target.value as Role)}
            >
              {ROLES.map((one) => (
                <option key={one} value={one}>
                  {t(`role.${one}`)}
                </option>
              ))}
            </Select>
            <Button
              look="primary"
              disabled={isBusy}
              onClick={() => approve.mutate({ request: it.id, role })}
              aria-label={t('access.requests.let_in_one', { name: it.label, code: it.code })}
            >
              {t('access.requests.let_in')}
            </Button>
            <Button
              disabled={isBusy}
              onClick={() => refuse.mutate(it.id)}
              aria-label={t('access.requests.refuse_one', { name: it.label, code: it.code })}
            >
              {t('access.requests.refuse')}
            </Button>
          </li>
        ))}
      </ul>
      <Problem error={approve.error ?? refuse.error} />
    </section>
  );
}
