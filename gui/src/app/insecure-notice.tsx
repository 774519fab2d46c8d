import { ShieldAlert } from 'lucide-react';
import { useMessages } from '@/shared/i18n/messages';
import { CopyLine } from '@/shared/ui/copy-line';

/** The port of an address; browsers leave out the usual one. */
const portOf = ({ port, protocol }: Location): string => port || (protocol === 'https:' ? '443' : '80');

/** Why nobody can log in at a plain HTTP address, and the ways that work, for this very address. */
export function InsecureNotice() {
  const t = useMessages();
  const port = portOf(location);
  const isIp6 = location.hostname.startsWith('[');
  const host = isIp6 ? location.hostname.slice(1, -1) : location.hostname;
  // Ports below 1024 are not everybody's to listen on.
  const own = Number(port) < 1024 ? '4141' : port;
  return (
    <div className="flex flex-col gap-4">
      <div role="alert" className="flex gap-3">
        <ShieldAlert aria-hidden className="size-5 shrink-0 text-wait" />
        <div>
          <p className="font-semibold">{t('login.insecure.title')}</p>
          <p className="text-muted">{t('login.insecure.why', { address: location.origin })}</p>
        </div>
      </div>
      <ol className="flex list-decimal flex-col gap-3 pl-5">
        <li>
          {t('login.insecure.tunnel')}
          <CopyLine text={`ssh -L ${own}:127.0.0.1:${port} ${host}`} label={t('login.insecure.tunnel.copy')} />
          <p className="pt-1">
            {t('login.insecure.then')}{' '}
            <a className="text-accent underline" href={`http://127.0.0.1:${own}/`}>
              http://127.0.0.1:{own}
            </a>
          </p>
        </li>
        <li>{t('login.insecure.https')}</li>
      </ol>
      <p className="text-muted">{t('login.insecure.browser')}</p>
    </div>
  );
}
