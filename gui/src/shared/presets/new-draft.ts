//! Making a draft that is named unlike all others, and going to where it is edited.
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import { ApiError } from '../api/problem';
import { createDraft } from '../api/requests/draft';
import { presetsQuery } from '../api/requests/presets';
import type { Preset } from '../api/types';
import { freeName } from './naming';

const TRIES_MAX = 20;

/** Makes a draft of `preset` under its name or the next free one, and answers its id and name. */
export function useNewDraft(): (preset: Preset) => Promise<{ readonly id: string; readonly name: string }> {
  const client = useQueryClient();
  return useCallback(
    async (preset) => {
      const drafts = await client.fetchQuery({ ...presetsQuery, staleTime: 0 });
      const taken = new Set(drafts.map((draft) => draft.name));
      for (let tries = 1; ; tries += 1) {
        const name = freeName(preset.name, taken);
        try {
          const { id } = await createDraft({ ...preset, name });
          void client.invalidateQueries({ queryKey: presetsQuery.queryKey });
          return { id, name };
        } catch (error) {
          // Somebody else took the name since the list was read.
          if (!(error instanceof ApiError && error.code === 'name-taken') || tries >= TRIES_MAX) throw error;
          taken.add(name);
        }
      }
    },
    [client],
  );
}

/** Goes to the designer of a draft. */
export function useOpenDraft(): (id: string) => void {
  const navigate = useNavigate();
  return useCallback((id) => void navigate({ to: '/workflows/$preset', params: { preset: id } }), [navigate]);
}

/** A workflow with nothing in it but a start by hand; without a name for it, with nothing at all. */
export const blankPreset = (title: string, name: string, startName: string | undefined): Preset => ({
  flowork: 'preset/1',
  name,
  title,
  steps: {},
  wires: {},
  triggers:
    startName === undefined ? {} : { start: { component: 'manual', name: startName, position: { x: 0, y: 0 } } },
});
