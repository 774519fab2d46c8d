import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { ApiError, Unreachable } from '@/shared/api/problem';
import { nodeQuery } from '@/shared/api/requests/node';
import { RoleContext } from '@/shared/auth/may';
import { useSession } from '@/shared/auth/session';
import { Loading } from '@/shared/ui/states';
import { keepLive } from './live';
import { router } from './router';

const LoginScreen = lazy(() => import('./login-screen'));
const LoginLayer = lazy(() => import('./login-layer'));

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What the node refused it refuses again; what did not reach it may be tried once more.
      retry: (failures, error) => !(error instanceof ApiError) && error instanceof Unreachable && failures < 1,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

export function App() {
  const session = useSession();
  const secret = session.kind === 'bearer' ? session.secret : undefined;
  const [wasIn, setWasIn] = useState(false);
  useEffect(() => {
    if (secret === undefined) return;
    setWasIn(true);
    const stop = new AbortController();
    keepLive(client, stop.signal);
    // What was read in an earlier session of this tab may be old.
    void client.invalidateQueries();
    return () => stop.abort();
  }, [secret]);
  const isOut = session.kind === 'none';
  const hasLeft = session.kind === 'none' && session.why === 'left';
  useEffect(() => {
    if (!hasLeft) return;
    // Whoever leaves on purpose leaves nothing behind in this tab.
    setWasIn(false);
    client.clear();
  }, [hasLeft]);
  return (
    <QueryClientProvider client={client}>
      {/* Whoever is signed out in the middle of something finds it again: the page stays, the login lies over it. */}
      {(!isOut || wasIn) && (
        <div inert={isOut}>
          <WithRole>
            <RouterProvider router={router} />
          </WithRole>
        </div>
      )}
      {isOut && wasIn && (
        <Suspense>
          <LoginLayer why={session.why} />
        </Suspense>
      )}
      {isOut && !wasIn && (
        <div className="fixed inset-0 z-50 overflow-y-auto bg-bg">
          <Suspense fallback={<Loading />}>
            <LoginScreen why={session.why} />
          </Suspense>
        </div>
      )}
    </QueryClientProvider>
  );
}

/** Tells the page what whoever is signed in may do. */
function WithRole({ children }: { readonly children: ReactNode }) {
  const { data } = useQuery({ ...nodeQuery, enabled: useSession().kind !== 'none' });
  return <RoleContext value={data?.you.role}>{children}</RoleContext>;
}
