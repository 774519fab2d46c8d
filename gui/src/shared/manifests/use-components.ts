import { useQuery } from '@tanstack/react-query';
import { useCallback } from 'react';
import { componentsQuery } from '../api/requests/components';
import type { Manifest } from '../api/types';
import { useManifestTexts } from '../i18n/messages';
import { manifestsIn, textIn } from './localised';

/** The node's components, in the language of the screen. */
export function useComponents() {
  const texts = useManifestTexts();
  const select = useCallback((all: Manifest[]) => manifestsIn(texts, all), [texts]);
  return useQuery({ ...componentsQuery, select });
}

/** Says what a category is called. */
export function useCategoryName(): (category: string) => string {
  const texts = useManifestTexts();
  return useCallback((category) => textIn(texts, category), [texts]);
}
