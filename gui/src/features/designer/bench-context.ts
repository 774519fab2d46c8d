import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Store } from '@/shared/graph/keyed-store';
import type { Scene } from '@/shared/graph/scene';
import type { Bench } from './use-designer-model';

export const BenchContext = createContext<Bench | undefined>(undefined);

/** What the designer's own parts share beyond what its panels do. */
export function useBenchParts(): Bench {
  const bench = useContext(BenchContext);
  if (!bench) throw new Error('no workbench around');
  return bench;
}

export const useStoreValue = <T>(store: Store<T>): T => useSyncExternalStore(store.subscribe, store.get);

export const useScene = (): Scene => useStoreValue(useBenchParts().model.scene);

export function useSelection(): ReadonlySet<string> {
  const { selection } = useBenchParts().model;
  return useSyncExternalStore(selection.subscribe, selection.get);
}
