//! Everything around the form of one step: its edits, what is known of its data, what is wrong, who else writes.
import { useEffect, useMemo, useRef, useState } from 'react';
import type { Item } from '@/shared/api/types';
import { useCanEdit, usePeers, useSnapshot } from '@/shared/document/use-editor';
import { isWithin } from '@/shared/document/values';
import { check, wrongWords } from '@/shared/forms/check';
import type { ObjectField } from '@/shared/forms/schema';
import { type FormWorld, pointerOf, type Said, type Writer } from '@/shared/forms/target';
import { useMessages } from '@/shared/i18n/messages';
import { useDesigner } from '../context';
import type { Card } from './card-of';
import { fieldNamesOf, fileNamesOf, useKnown } from './known';
import { type PanelProblem, useProblems } from './problems';
import { useStepData } from './step-data';
import { cardTarget } from './target';

const NO_ITEMS: readonly Item[] = [];

/** The form's world at a card. */
export function useWorld({ id, of, card }: Card, form: ObjectField): FormWorld {
  const t = useMessages();
  const designer = useDesigner();
  const { editor } = designer;
  const canEdit = useCanEdit(editor);
  // Conflicts may come and go with edits that leave the values alone.
  const heads = useSnapshot(editor, (snapshot) => snapshot.heads);
  const data = useStepData(id, 'in');
  const items = data.data?.items ?? NO_ITEMS;
  const [wanted, setWanted] = useState(0);
  const item = Math.min(wanted, Math.max(0, items.length - 1));
  const known = useKnown(id, items, item);
  const latest = useRef(items);
  latest.current = items;
  const target = useMemo(() => cardTarget(designer, of, id, () => latest.current), [designer, of, id]);
  const said = useSaid(useProblems().problems, id, form, card.config, t);
  const writers = useWriters(of, id);
  useEffect(() => () => designer.writing(undefined), [designer]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new heads make a new world, see above.
  return useMemo<FormWorld>(
    () => ({
      target,
      canEdit,
      known,
      items,
      item,
      chooseItem: setWanted,
      said,
      writers,
      fieldNames: fieldNamesOf(items),
      fileNames: fileNamesOf(items),
    }),
    [target, canEdit, known, items, item, said, writers, heads],
  );
}

function useSaid(
  problems: readonly PanelProblem[],
  id: string,
  form: ObjectField,
  config: unknown,
  t: ReturnType<typeof useMessages>,
): ReadonlyMap<string, readonly Said[]> {
  return useMemo(() => {
    const found = new Map<string, Said[]>();
    const add = (at: string, it: Said) => found.set(at, [...(found.get(at) ?? []), it]);
    for (const wrong of check(form, config ?? {})) add(wrong.at, { severity: 'error', text: wrongWords(t, wrong) });
    const mine = new Set(found.keys());
    for (const { step, path, severity, message, hint } of problems) {
      if (step !== id || !path) continue;
      const at = pointerOf(path);
      // A place that is told already, in the person's own language, is not told again in the node's.
      if (!mine.has(at)) add(at, { severity, text: message, hint });
    }
    return found;
  }, [problems, id, form, config, t]);
}

/** Who else writes in which field of a card. */
function useWriters(of: string, id: string): ReadonlyMap<string, readonly Writer[]> {
  const peers = usePeers(useDesigner().editor);
  return useMemo(() => {
    const found = new Map<string, Writer[]>();
    for (const { id: peer, name, colour, field } of peers) {
      if (!field || !isWithin(field, [of, id, 'config'])) continue;
      const at = pointerOf(field.slice(3));
      found.set(at, [...(found.get(at) ?? []), { id: peer, name, colour }]);
    }
    return found;
  }, [peers, of, id]);
}
