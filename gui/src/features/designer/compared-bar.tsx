import type { Preset } from '@/shared/api/types';
import { meet } from '@/shared/graph/bounds';
import { freePlace } from '@/shared/graph/grid';
import { type Card, type Rect, type Wire, wiresOf } from '@/shared/graph/model';
import type { ChangeKind } from '@/shared/graph/preset-diff';
import type { Scene } from '@/shared/graph/scene';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { useBenchParts } from './bench-context';
import { type Compared, comparedOf } from './panel/compared';

const byId = (wires: readonly Wire[]) => Object.fromEntries(wires.map(({ id, from, to }) => [id, { from, to }]));

/** Both versions in one picture: the later one, with what was removed where it was. */
export function bothOf({ before, after, diff }: Compared): Preset {
  const gone = <T,>(entries: Readonly<Record<string, T>> | undefined): Record<string, T> =>
    Object.fromEntries(Object.entries(entries ?? {}).filter(([id]) => diff.cards.get(id) === 'removed'));
  const wires = wiresOf(before.wires).filter((wire) => diff.wires.get(wire.id) === 'removed');
  return {
    ...after,
    steps: { ...gone(before.steps), ...after.steps },
    triggers: { ...gone(before.triggers), ...after.triggers },
    wires: { ...byId(wires), ...byId(wiresOf(after.wires)) },
  };
}

/** What was removed may stand where something new does now: it is drawn beside it. */
export function apart(scene: Scene, { diff }: Compared): Scene {
  const isGone = (card: Card) => diff.cards.get(card.id) === 'removed';
  const taken: Rect[] = scene.graph.cards.filter((card) => !isGone(card));
  const cards = scene.graph.cards.map((card) => {
    if (!isGone(card)) return card;
    const moved = { ...card, ...(taken.some((rect) => meet(rect, card)) ? freePlace(taken, card) : {}) };
    taken.push(moved);
    return moved;
  });
  return { ...scene, graph: { ...scene.graph, cards } };
}

/** Says that two versions are on the canvas, and leads back to the draft. */
export function ComparedBar({ compared }: { readonly compared: Compared }) {
  const t = useMessages();
  const { designer } = useBenchParts();
  const kinds = [...compared.diff.cards.values()];
  const count = (kind: ChangeKind) => kinds.filter((it) => it === kind).length;
  return (
    <div
      role="status"
      className="absolute top-2 left-1/2 flex -translate-x-1/2 items-center gap-3 rounded-card border border-accent bg-surface py-1 pr-1 pl-4 shadow-sm"
    >
      {t('designer.diff', { added: count('added'), changed: count('changed'), removed: count('removed') })}
      <Button onClick={() => comparedOf(designer.editor).set(undefined)}>{t('designer.diff.end')}</Button>
    </div>
  );
}
