//! Workflows that give a useful result at once on any machine. They are the repository's own examples.
import type { Preset } from '@/shared/api/types';

export type RecipeName = 'machine' | 'log';

const LOADERS: Record<RecipeName, () => Promise<{ default: unknown }>> = {
  machine: () => import('../../../../examples/welcome.json'),
  log: () => import('../../../../examples/log-report.json'),
};

export const recipe = async (name: RecipeName): Promise<Preset> => (await LOADERS[name]()).default as Preset;
