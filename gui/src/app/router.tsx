import { createRootRoute, createRoute, createRouter, Link, lazyRouteComponent } from '@tanstack/react-router';
import { Compass } from 'lucide-react';
import { useMessages } from '@/shared/i18n/messages';
import { buttonClass } from '@/shared/ui/button';
import { isOutdated } from '@/shared/ui/lazily';
import { Empty, Failed, Loading } from '@/shared/ui/states';
import { Frame } from './frame';
import { pages } from './pages';

function NotFound() {
  const t = useMessages();
  return (
    <>
      <h1 className="sr-only">Flowork</h1>
      <Empty icon={<Compass aria-hidden />} title={t('missing.title')}>
        <p>{t('missing.hint')}</p>
        <Link to="/" className={buttonClass()}>
          {t('missing.home')}
        </Link>
      </Empty>
    </>
  );
}

/** A page that does not stand. When the node has a newer one, it is loaded again as a whole. */
function Broken({ error, reset }: { readonly error: unknown; readonly reset: () => void }) {
  const t = useMessages();
  if (isOutdated(error)) return <Failed error={new Error(t('missing.outdated'))} retry={() => location.reload()} />;
  return <Failed error={error} retry={reset} />;
}

const root = createRootRoute({ component: Frame, notFoundComponent: NotFound });

const routes = pages.map((page) =>
  createRoute({
    getParentRoute: () => root,
    path: page.path,
    component: lazyRouteComponent(page.load),
    pendingComponent: () => <Loading />,
    errorComponent: Broken,
  }),
);

export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: 'intent',
  defaultPendingMs: 150,
  scrollRestoration: true,
});
