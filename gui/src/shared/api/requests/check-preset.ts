import { api } from '../client';
import { unwrap } from '../problem';
import type { Preset } from '../types';

/** Every problem of a preset, as the node sees it. */
export const checkPreset = async (preset: Preset, signal?: AbortSignal) =>
  unwrap(await api.POST('/api/v1/presets/check', { body: preset, signal })).problems;
