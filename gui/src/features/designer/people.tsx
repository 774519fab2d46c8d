import { usePeers } from '@/shared/document/use-editor';
import { useMessages } from '@/shared/i18n/messages';
import { useBenchParts, useStoreValue } from './bench-context';

const SHOWN_MAX = 5;

const initials = (name: string): string =>
  name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => word[0]?.toUpperCase() ?? '')
    .join('');

/** Who else is here; a click follows them. */
export function People() {
  const t = useMessages();
  const { model, designer } = useBenchParts();
  const peers = usePeers(designer.editor);
  const following = useStoreValue(model.following);
  if (peers.length === 0) return null;
  return (
    <ul aria-label={t('designer.people')} className="flex shrink-0 -space-x-1.5">
      {peers.slice(0, SHOWN_MAX).map((peer) => {
        const isFollowed = peer.id === following;
        const label = t(isFollowed ? 'designer.people.unfollow' : 'designer.people.follow', { name: peer.name });
        return (
          <li key={peer.id}>
            <button
              type="button"
              title={label}
              aria-label={`${label} (${initials(peer.name)})`}
              aria-pressed={isFollowed}
              className={`flex size-7 items-center justify-center rounded-full border-2 text-meta font-semibold text-[#fff] ${isFollowed ? 'border-text' : 'border-surface'}`}
              style={{ background: peer.colour }}
              onClick={() => model.following.set(isFollowed ? undefined : peer.id)}
            >
              {initials(peer.name)}
            </button>
          </li>
        );
      })}
      {peers.length > SHOWN_MAX && <li className="pl-3 text-muted">+{peers.length - SHOWN_MAX}</li>}
    </ul>
  );
}
