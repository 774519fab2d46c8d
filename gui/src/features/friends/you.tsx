import { useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleSlash, Hourglass, UserRound } from 'lucide-react';
import { personQuery } from '@/shared/api/requests/person';
import type { OwnNode, Person } from '@/shared/api/types';
import { day, fullTime, minute } from '@/shared/format/format';
import { useMessages } from '@/shared/i18n/messages';
import { MeshReady } from '@/shared/mesh/mesh-ready';
import { CopyLine } from '@/shared/ui/copy-line';
import { Facts, Panel } from '@/shared/ui/page';
import { Prose } from '@/shared/ui/prose';
import { useNow } from '@/shared/ui/use-now';
import { byLife, type Life, lifeOf } from './own-nodes';

/** What is typed in the terminal: a person's key never comes into a browser. */
const CREATE = 'flowork person create --name NAME';

/** Whose node this is, and which others are theirs. */
export function You() {
  const t = useMessages();
  const person = useQuery(personQuery);
  return (
    <Panel title={t('you.title')}>
      <MeshReady of={person}>{(data) => (data.person == null ? <Nobody /> : <Somebody of={data} />)}</MeshReady>
    </Panel>
  );
}

function Nobody() {
  const t = useMessages();
  return (
    <div className="flex flex-col gap-1 px-4 py-3">
      <p>{t('you.nobody')}</p>
      <p className="text-muted">{t('you.nobody.hint')}</p>
      <CopyLine text={CREATE} label={t('you.copy', { command: CREATE })} isWrapped />
      <p className="text-muted">
        <Prose text={t('you.nobody.again')} />
      </p>
    </div>
  );
}

function Somebody({ of }: { readonly of: Person }) {
  const t = useMessages();
  const now = useNow(10_000);
  const { good, over } = byLife(of.nodes, now);
  return (
    <>
      <p className="flex items-start gap-2 px-4 pt-3">
        <UserRound aria-hidden className="mt-0.5 size-4 shrink-0 text-accent" />
        <span className="min-w-0 break-words">
          <strong>{of.name || t('you.unnamed')}</strong> · {t('you.count', { count: good.length })}
        </span>
      </p>
      <ul>
        {good.map((it) => (
          <NodeRow key={it.node} node={it} life="good" />
        ))}
      </ul>
      {over.length > 0 && (
        <details className="border-t border-line px-4 py-2">
          <summary className="text-muted">{t('you.over', { count: over.length })}</summary>
          <ul className="-mx-4">
            {over.map((it) => (
              <NodeRow key={it.node} node={it} life={lifeOf(it, now)} />
            ))}
          </ul>
        </details>
      )}
      <details className="border-t border-line px-4 py-2">
        <summary className="text-meta text-muted">{t('mesh.details')}</summary>
        <div className="pt-1 text-meta">
          <Facts
            rows={[
              [
                t('you.person'),
                <code key="person" className="font-mono break-all">
                  {of.person}
                </code>,
              ],
            ]}
          />
        </div>
      </details>
    </>
  );
}

const LOOKS = {
  good: { tone: 'text-muted', icon: CircleCheck },
  ended: { tone: 'text-wait', icon: Hourglass },
  taken_back: { tone: 'text-muted', icon: CircleSlash },
} as const satisfies Record<Life, unknown>;

function NodeRow({ node, life }: { readonly node: OwnNode; readonly life: Life }) {
  const t = useMessages();
  const { tone, icon: Icon } = LOOKS[life];
  const word =
    life === 'good'
      ? t('you.until', { time: day(node.ends_at) })
      : life === 'ended'
        ? t('you.ended', { time: day(node.ends_at) })
        : t('you.taken_back', { time: minute(node.revoked_at ?? 0) });
  return (
    <li className="border-b border-line px-4 py-2 last:border-b-0">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="min-w-0 font-semibold break-words">{node.name}</span>
        {node.is_this ? (
          <span className="rounded-full border border-line px-2 text-meta text-muted">{t('mesh.this_node')}</span>
        ) : (
          node.peer != null &&
          node.peer !== node.name && <span className="text-muted">{t('you.among_friends', { name: node.peer })}</span>
        )}
      </p>
      <p className={`flex items-center gap-1.5 text-meta ${tone}`} title={fullTime(node.at)}>
        <Icon aria-hidden className="size-3.5 shrink-0" />
        {word}
      </p>
      <details>
        <summary className="text-meta text-muted">{t('mesh.details')}</summary>
        <code className="block font-mono text-meta break-all">{node.node}</code>
      </details>
    </li>
  );
}
