import { useQuery } from '@tanstack/react-query';
import { TriangleAlert } from 'lucide-react';
import { ApiError } from '../api/problem';
import { LOOK_MS, meshQuery } from '../api/requests/mesh';
import { clock } from '../format/format';
import { useMessages } from '../i18n/messages';
import { Prose } from '../ui/prose';
import { useNow } from '../ui/use-now';
import { plainWhy } from './addresses';
import { readReach } from './reach';

/** Whether the part of the node that knows other nodes is away right now; the rest of the node goes on. */
export const isMeshAway = (error: unknown): boolean => error instanceof ApiError && error.code === 'mesh-away';

type Looked = { readonly error: unknown; readonly data: unknown; readonly dataUpdatedAt: number };

/** Who has not been answered for so long shows what was, not what is. */
const OLD_MS = 4 * LOOK_MS;

/** Whether what stands there is not how it is now: the last look at it failed, or has had no answer for a while. */
export function useIsOld({ error, data, dataUpdatedAt }: Looked): boolean {
  const now = useNow(1_000);
  return data !== undefined && (Boolean(error) || now - dataUpdatedAt > OLD_MS);
}

/** What holds for the whole page: whether what stands there is old, and whether others can come to this node at all. */
export function MeshNotice({ of }: { readonly of: Looked }) {
  const t = useMessages();
  const mesh = useQuery(meshQuery);
  const isOld = useIsOld(of);
  if (isMeshAway(of.error) || isMeshAway(mesh.error)) return <Notice text={t('mesh.away')} />;
  if (isOld) return <Notice text={t('mesh.old', { time: clock(of.dataUpdatedAt) })} />;
  const { data } = mesh;
  if (!data) return null;
  // One that listens nowhere may still be reached through a relay.
  const silent = readReach(data.reachable)?.kind === 'nowhere' ? t('mesh.not_listening') : undefined;
  if (data.problem) return <Notice text={plainWhy(data.problem) ?? data.problem} more={silent} />;
  return silent === undefined ? null : <Notice text={silent} />;
}

function Notice({ text, more }: { readonly text: string; readonly more?: string }) {
  return (
    <p role="status" className="flex max-w-240 items-start gap-2 rounded-card border border-wait px-3 py-2">
      <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-wait" />
      <span>
        <Prose text={text} />
        {more && (
          <span className="block text-muted">
            <Prose text={more} />
          </span>
        )}
      </span>
    </p>
  );
}
