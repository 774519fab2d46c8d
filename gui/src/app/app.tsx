import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { ApiError, Unreachable } from '@/shared/api/problem';
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
          <RouterProvider router={router} />
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
