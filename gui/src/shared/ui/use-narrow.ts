import { useSyncExternalStore } from 'react';

const narrow = typeof matchMedia === 'undefined' ? undefined : matchMedia('(max-width: 767px)');

/** Whether the screen is that of a phone; the same bound as `md:` in classes. */
export const useNarrow = (): boolean =>
  useSyncExternalStore(
    (listener) => {
      narrow?.addEventListener('change', listener);
      return () => narrow?.removeEventListener('change', listener);
    },
    () => narrow?.matches ?? false,
  );
