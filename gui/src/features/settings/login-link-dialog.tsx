import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { makeLoginLink } from '@/shared/api/requests/login-keys';
import type { Role } from '@/shared/api/types';
import { nodeAddress } from '@/shared/auth/node-address';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { CopyLine } from '@/shared/ui/copy-line';
import { Dialog } from '@/shared/ui/dialog';
import { Field, Select } from '@/shared/ui/field';
import { QrCode } from '@/shared/ui/qr-code';
import { Problem } from '@/shared/ui/states';
import { useNow } from '@/shared/ui/use-now';
import { loginLink } from './login-link';
import { ROLES } from './roles';

/** Makes a link that lets another browser in, once. */
export function LoginLinkDialog({ onClose }: { readonly onClose: () => void }) {
  const t = useMessages();
  const [role, setRole] = useState<Role>('admin');
  const make = useMutation({ mutationFn: () => makeLoginLink(role) });
  const made = make.data;
  const link = made && loginLink(location, nodeAddress(), made.token);
  const now = useNow(1_000, made !== undefined);
  const leftMs = made ? made.expires_at - now : 0;
  return (
    <Dialog
      title={t('access.another')}
      hint={t('access.another.hint')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.close')}</Button>
          <Button look={link ? 'plain' : 'primary'} disabled={make.isPending} onClick={() => make.mutate()}>
            {link ? t('access.link.again') : t('access.link.make')}
          </Button>
        </>
      }
    >
      {!link && (
        <Field label={t('access.link.role')} hint={t('access.link.role.hint')}>
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
      )}
      <Problem error={make.error} />
      {link && made && (
        <>
          {leftMs > 0 ? (
            <div className="flex flex-wrap items-start gap-4">
              <QrCode text={link.address} label={t('access.link.qr')} />
              <div className="min-w-0 flex-1 basis-60">
                <p>{t('access.link.open', { role: t(`role.${made.role}`) })}</p>
                <CopyLine text={link.address} label={t('access.link.copy')} isWrapped />
                <p className="pt-2 text-muted">
                  {t('access.link.works', { minutes: Math.max(1, Math.ceil(leftMs / 60_000)) })}
                </p>
              </div>
            </div>
          ) : (
            <p role="status" className="text-wait">
              {t('access.link.over')}
            </p>
          )}
          {link.isLoopback && (
            <p className="text-muted">
              {t('access.link.loopback')}
              <CopyLine
                text={`ssh -L ${link.port}:127.0.0.1:${link.port} HOST`}
                label={t('login.insecure.tunnel.copy')}
              />
            </p>
          )}
        </>
      )}
    </Dialog>
  );
}
