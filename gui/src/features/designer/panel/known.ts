//! What the code of a step may name: fields of real items, variables, the other steps, its secrets.
import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Item } from '@/shared/api/types';
import type { Known } from '@/shared/code/known';
import { type DataPath, dotted } from '@/shared/code/paths';
import { nameOf } from '@/shared/document/edits/cards';
import { useSnapshot } from '@/shared/document/use-editor';
import { graphOf } from '@/shared/graph/model';
import { stream } from '@/shared/graph/walk';
import { useDesigner } from '../context';

/** So many steps before this one are asked for a sample; the rest is known by name. */
const SAMPLES_MAX = 12;

/** What is known at a step, with the items that went into it. */
export function useKnown(step: string, items: readonly Item[], item: number): Known {
  const designer = useDesigner();
  const preset = useSnapshot(designer.editor, (snapshot) => snapshot.preset);
  const before = useMemo(() => {
    const graph = graphOf(preset, designer.manifests);
    return stream(graph, step, 'up').filter(
      (id) => preset.steps?.[id] !== undefined || preset.triggers?.[id] !== undefined,
    );
  }, [preset, designer.manifests, step]);
  const asked = before.slice(0, SAMPLES_MAX);
  const samples = useQueries({
    queries: asked.map((id) => ({
      queryKey: [
        'step-sample',
        designer.editor.id,
        id,
        designer.run.job() ?? '',
        designer.run.view()?.runs.get(id)?.changedAt ?? 0,
      ],
      queryFn: async () => (await designer.data(id, 'out'))?.items[0] ?? null,
      staleTime: 30_000,
    })),
    combine: (answers) => answers.map((it) => it.data ?? undefined),
  });
  return useMemo<Known>(() => {
    const others = Object.keys(preset.steps ?? {}).filter((id) => id !== step && !before.includes(id));
    const sampleOf = new Map(asked.map((id, at) => [id, samples[at]]));
    return {
      items,
      at: item,
      variables: Object.fromEntries(Object.entries(preset.variables ?? {}).map(([name, it]) => [name, it.value])),
      steps: [...before, ...others].map((id) => ({ name: nameOf(preset, id), sample: sampleOf.get(id) })),
      secrets: preset.steps?.[step]?.secrets ?? [],
    };
  }, [preset, step, before, asked, samples, items, item]);
}

const DEPTH_MAX = 3;
const NAMES_MAX = 200;

/** The fields of some items as fields of forms name them: `customer`, `customer.city`. */
export function fieldNamesOf(items: readonly Item[]): string[] {
  const found = new Set<string>();
  const visit = (value: unknown, path: DataPath): void => {
    if (found.size >= NAMES_MAX || path.length > DEPTH_MAX) return;
    const name = dotted(path);
    if (name !== undefined) found.add(name);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const [key, child] of Object.entries(value)) visit(child, [...path, key]);
  };
  for (const item of items.slice(0, 20)) visit(item.json, []);
  return [...found];
}

/** Names of the files that travel with some items. */
export const fileNamesOf = (items: readonly Item[]): string[] => [
  ...new Set(items.slice(0, 100).flatMap((item) => Object.keys(item.files ?? {}))),
];
