import { api } from '../client';
import { unwrap } from '../problem';

/** The versions that were frozen of a draft, newest first. */
export const fetchVersions = async (which: string, signal?: AbortSignal) =>
  unwrap(await api.GET('/api/v1/presets/{which}/versions', { params: { path: { which } }, signal }));
