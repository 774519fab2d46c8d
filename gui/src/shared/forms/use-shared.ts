import { useMemo } from 'react';
import type { TextBinding } from '../code/binding';
import { type Path, useForm } from './target';

/** The text at a place for an editor; the same binding for as long as the place is the same. */
export function useShared(path: Path): TextBinding {
  const { target } = useForm();
  const key = JSON.stringify(path);
  return useMemo(() => target.text(JSON.parse(key) as (string | number)[]), [target, key]);
}
