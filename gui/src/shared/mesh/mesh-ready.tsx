import type { ReactNode } from 'react';
import { useMessages } from '../i18n/messages';
import { Ready } from '../ui/states';
import { isMeshAway } from './mesh-notice';

type Loaded<T> = { readonly data: T | undefined; readonly error: unknown; readonly refetch: () => unknown };

/** As `Ready`; while the part of the node that is asked is away, the notice of the page says why, and each list only that it is not known. */
export function MeshReady<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ReactNode }) {
  const t = useMessages();
  if (of.data === undefined && isMeshAway(of.error)) return <p className="px-4 py-3 text-muted">{t('mesh.not_now')}</p>;
  return (
    <Ready of={of} lines={4}>
      {children}
    </Ready>
  );
}
