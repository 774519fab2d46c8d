import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { LOOK_MS, meshQuery } from '@/shared/api/requests/mesh';
import { changeSettings, settingsQuery } from '@/shared/api/requests/settings';
import { isYetToCount } from './own-reach';

/** How often it is looked whether a change counts. */
const SOON_MS = 700;
/** How long it stands there that it does. */
const SAID_FOR_MS = 5_000;

/** How others reach this node, what its owner says of it, and whether what was changed last counts by now. */
export function useOwnReach() {
  const client = useQueryClient();
  const [changedAt, setChangedAt] = useState<number>();
  const settings = useQuery(settingsQuery);
  const mesh = useQuery({
    ...meshQuery,
    refetchInterval: ({ state }) => (isYetToCount(changedAt, state) ? SOON_MS : LOOK_MS),
  });
  const isCounting = isYetToCount(changedAt, mesh);
  const change = useMutation({
    mutationFn: changeSettings,
    onMutate: () => setChangedAt(undefined),
    onSuccess: (_, changes) => {
      // It is on disk; read at once, the settings could still be those of before.
      client.setQueryData(settingsQuery.queryKey, (old) => ({ ...old, ...changes }));
      setChangedAt(Date.now());
      return client.invalidateQueries({ queryKey: meshQuery.queryKey });
    },
  });
  // What was started again knows better than what was seen before.
  useEffect(() => {
    if (changedAt === undefined || isCounting) return;
    for (const queryKey of [['mesh'], settingsQuery.queryKey]) void client.invalidateQueries({ queryKey });
    const timer = setTimeout(() => setChangedAt(undefined), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [changedAt, isCounting, client]);
  return { settings, mesh, change, counts: changedAt === undefined ? undefined : !isCounting };
}

export type OwnReach = ReturnType<typeof useOwnReach>;
