import { api } from '../client';
import { unwrap } from '../problem';

/** Freezes a draft at exactly these edits. The same content gives the same version again. */
export const freeze = async (which: string, heads: readonly string[], label: string | undefined) =>
  unwrap(
    await api.POST('/api/v1/presets/{which}/freeze', {
      params: { path: { which } },
      body: { heads: [...heads], label: label ?? null },
    }),
  );

/** Fires the triggers of a version from now on. */
export const activateVersion = async (which: string, version: string) =>
  unwrap(await api.POST('/api/v1/presets/{which}/activate', { params: { path: { which } }, body: { version } }));
