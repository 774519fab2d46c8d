import { TriangleAlert } from 'lucide-react';
import { ApiError } from '@/shared/api/problem';
import { useMessages } from '@/shared/i18n/messages';
import { Prose } from '@/shared/ui/prose';
import { Problem } from '@/shared/ui/states';
import { troubleOf } from './link';

/** What went wrong with a link and what to do about it; the node's own words, with its addresses, under details. */
export function JoinFailed({ error }: { readonly error: unknown }) {
  const t = useMessages();
  if (!(error instanceof ApiError)) return <Problem error={error} />;
  const trouble = troubleOf(error.code, error.message);
  if (!trouble) return <Problem error={error} />;
  return (
    <div role="alert" className="flex items-start gap-2">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-fail" />
      <div className="min-w-0 flex-1">
        <p className="font-semibold text-fail">{t(trouble)}</p>
        <p>
          <Prose text={t(`${trouble}.do`)} />
        </p>
        <details>
          <summary className="text-muted">{t('mesh.details')}</summary>
          <p className="text-meta break-all text-muted">{error.message}</p>
        </details>
      </div>
    </div>
  );
}
