//! What went into a step and came out of it, kept up to date while runs go on and pins change.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useCallback, useSyncExternalStore } from 'react';
import { wiresOf } from '@/shared/graph/model';
import { type Designer, useDesigner } from '../context';
import { lastRun, portCount } from '../data';

export type StepData = NonNullable<Awaited<ReturnType<Designer['data']>>>;

let numbered = 0;
const numbers = new WeakMap<object, number>();
const numberOf = (of: object): number => {
  let known = numbers.get(of);
  if (known === undefined) {
    numbered += 1;
    known = numbered;
    numbers.set(of, known);
  }
  return known;
};

/** One text that differs whenever the data around a step may differ. */
function signature(designer: Designer, step: string): string {
  const { preset } = designer.editor.snapshot();
  const sources = wiresOf(preset.wires)
    .filter((wire) => wire.to.step === step)
    .map((wire) => wire.from.step);
  const view = designer.run.view();
  const parts = [designer.run.job() ?? ''];
  for (const id of [step, ...sources]) {
    const run = view?.runs.get(lastRun(view, id) ?? id);
    const pin = preset.steps?.[id]?.pin;
    parts.push(`${id} ${run?.status ?? ''} ${run?.changedAt ?? ''} ${pin ? numberOf(pin) : ''}`);
  }
  return parts.join('|');
}

/** Told whenever the data around a step may be other data. */
function useSignature(designer: Designer, step: string): string {
  const subscribe = useCallback(
    (listener: () => void) => {
      const leaves = [designer.editor.subscribe(listener), designer.run.subscribe(listener)];
      return () => {
        for (const leave of leaves) leave();
      };
    },
    [designer],
  );
  return useSyncExternalStore(subscribe, () => signature(designer, step));
}

/** How many items each of a step's ports has; the empty name stands for all of them. Those of which nothing is known are left out. */
export function usePortCounts(step: string, side: 'in' | 'out', ports: readonly string[]): ReadonlyMap<string, number> {
  const designer = useDesigner();
  useSignature(designer, step);
  const source = { preset: designer.editor.snapshot().preset, job: designer.run.job(), view: designer.run.view() };
  const counts = new Map<string, number>();
  for (const port of ['', ...ports]) {
    const count = portCount(source, step, side, port === '' ? undefined : port);
    if (count !== undefined) counts.set(port, count);
  }
  return counts;
}

/** Whether a step is no longer the one that ran. */
export function useIsOld(step: string): boolean {
  const { run } = useDesigner();
  return useSyncExternalStore(run.subscribe, () => run.isOld(step));
}

/** The items of one side of a step; `data` is null when nothing is known, undefined while it is being asked. */
export function useStepData(step: string, side: 'in' | 'out', port?: string) {
  const designer = useDesigner();
  const now = useSignature(designer, step);
  return useQuery({
    queryKey: ['step-data', numberOf(designer.run), designer.editor.id, step, side, port ?? '', now],
    queryFn: async () => (await designer.data(step, side, port)) ?? null,
    placeholderData: (previous, query) => (query?.queryKey[3] === step ? keepPreviousData(previous) : undefined),
    staleTime: Infinity,
    gcTime: 60_000,
  });
}
