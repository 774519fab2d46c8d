import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ApiError } from '@/shared/api/problem';
import { createToken, removeToken, tokensQuery } from '@/shared/api/requests/tokens';
import type { Role } from '@/shared/api/types';
import { moment } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Field, Input, Select } from '@/shared/ui/field';
import { Panel } from '@/shared/ui/page';
import { Problem, Ready } from '@/shared/ui/states';

const ROLES: readonly Role[] = ['viewer', 'runner', 'editor', 'admin'];

/** Tokens for programs. Who may not see them sees no panel. */
export function TokensPanel() {
  const t = useMessages();
  const client = useQueryClient();
  const tokens = useQuery(tokensQuery);
  const again = () => client.invalidateQueries({ queryKey: ['tokens'] });
  const remove = useMutation({ mutationFn: removeToken, onSuccess: again });
  if (tokens.error instanceof ApiError && tokens.error.status === 403) return null;
  return (
    <Panel title={t('tokens.title')}>
      <div className="flex flex-col gap-3 p-4">
        <p className="text-muted">{t('tokens.hint')}</p>
        <Ready of={tokens} lines={2}>
          {(list) => (
            <ul>
              {list.map((token) => (
                <li key={token.id} className="flex items-center gap-3 border-b border-line py-1">
                  <span className="min-w-0 flex-1 truncate">{token.label}</span>
                  <span className="text-meta text-muted">
                    {t(`role.${token.role}`)} · {moment(token.created_at)}
                  </span>
                  <Button
                    look="quiet"
                    disabled={remove.isPending}
                    onClick={() => remove.mutate(token.id)}
                    aria-label={t('tokens.remove', { name: token.label })}
                  >
                    {t('common.remove')}
                  </Button>
                </li>
              ))}
            </ul>
          )}
        </Ready>
        <NewToken onMade={again} />
        <Problem error={remove.error} />
      </div>
    </Panel>
  );
}

function NewToken({ onMade }: { readonly onMade: () => void }) {
  const t = useMessages();
  const [label, setLabel] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const make = useMutation({
    mutationFn: () => createToken(label, role),
    onSuccess: () => {
      setLabel('');
      onMade();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate();
  };
  return (
    <>
      <form onSubmit={submit} className="grid gap-3 sm:grid-cols-[1fr_10rem_auto] sm:items-end">
        <Field label={t('tokens.label')}>
          {(ids) => <Input {...ids} maxLength={100} value={label} onChange={(event) => setLabel(event.target.value)} />}
        </Field>
        <Field label={t('tokens.role')}>
          {(ids) => (
            <Select {...ids} value={role} onChange={(event) => setRole(event.target.value as Role)}>
              {ROLES.map((it) => (
                <option key={it} value={it}>
                  {t(`role.${it}`)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Button type="submit" disabled={!label.trim() || make.isPending}>
          {t('tokens.make')}
        </Button>
      </form>
      {make.data && (
        <div role="status" className="rounded-control border border-wait p-3">
          <p>{t('tokens.secret')}</p>
          <code className="font-mono text-meta break-all select-all">{make.data.secret}</code>
        </div>
      )}
      <Problem error={make.error} />
    </>
  );
}
