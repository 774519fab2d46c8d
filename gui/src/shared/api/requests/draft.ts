import { api } from '../client';
import { unwrap } from '../problem';
import type { Preset } from '../types';

/** Makes a draft. It may have problems; its name must be free. */
export const createDraft = async (preset: Preset) => unwrap(await api.POST('/api/v1/presets', { body: preset }));

/** One draft as it is now. */
export const fetchDraft = async (which: string, signal?: AbortSignal) =>
  unwrap(await api.GET('/api/v1/presets/{which}', { params: { path: { which } }, signal }));

/** Makes a draft read so, as the smallest edit that does. `message` says what the edit is for. */
export const putDraft = async (which: string, preset: Preset, message: string) =>
  unwrap(await api.PUT('/api/v1/presets/{which}', { params: { path: { which }, query: { message } }, body: preset }));

/** Takes a draft away. Its versions and runs stay, and so do triggers that are on. */
export const removeDraft = async (which: string): Promise<void> => {
  unwrap(await api.DELETE('/api/v1/presets/{which}', { params: { path: { which } }, parseAs: 'text' }));
};
