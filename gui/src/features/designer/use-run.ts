import { useSyncExternalStore } from 'react';
import type { View } from '@/shared/history/view';
import { useBenchParts } from './bench-context';

/** The run that the canvas shows, again at each of its events. */
export function useRun(): { readonly job: string | undefined; readonly view: View | undefined } {
  const { run } = useBenchParts().model;
  const view = useSyncExternalStore(run.subscribe, run.view);
  const job = useSyncExternalStore(run.subscribe, run.job);
  return { job, view };
}
