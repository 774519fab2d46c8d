import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { Ellipsis, Search } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useNodeFeed } from '@/shared/api/node-feed';
import { useMessages } from '@/shared/i18n/messages';
import { keyText } from '@/shared/ui/commands';
import { Dialog } from '@/shared/ui/dialog';
import { ConnectionBanner } from './connection-banner';
import { type NavPage, navPages } from './pages';
import { Shortcuts, showPalette } from './shortcuts';

/** The rail at the left (a bar at the bottom of a phone) and the page. */
export function Frame() {
  const t = useMessages();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLElement>(null);
  useTitle(path);
  return (
    <div className="flex h-dvh flex-col md:flex-row">
      <a
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-control focus:bg-surface focus:px-3 focus:py-2"
      >
        {t('nav.skip')}
      </a>
      <Rail path={path} />
      <div className="flex min-h-0 min-w-0 flex-1 flex-col">
        <ConnectionBanner />
        <main ref={main} id="main" tabIndex={-1} className="min-h-0 flex-1 outline-none">
          <Outlet />
        </main>
      </div>
      <PhoneBar path={path} />
      <Shortcuts />
    </div>
  );
}

const isAt = (page: NavPage, path: string): boolean =>
  page.path === '/' ? path === '/' : path === page.path || path.startsWith(`${page.path}/`);

function useTitle(path: string): void {
  const t = useMessages();
  useEffect(() => {
    const page = navPages.find((it) => isAt(it, path));
    document.title = page ? `${t(page.nav.label)} · Flowork` : 'Flowork';
  }, [path, t]);
}

function Badge({ page, className = '' }: { readonly page: NavPage; readonly className?: string }) {
  const count = page.nav.useBadge?.() ?? 0;
  if (count === 0) return null;
  return (
    <span
      className={`min-w-4 rounded-full bg-accent px-1 text-center text-meta leading-4 font-semibold text-on-accent ${className}`}
    >
      {count > 99 ? '99+' : count}
    </span>
  );
}

function Rail({ path }: { readonly path: string }) {
  const t = useMessages();
  return (
    <div className="relative z-30 hidden w-12 shrink-0 md:block">
      {/* The rail opens over the page when it is pointed at or walked through by keys, so that every picture has its word. */}
      <nav
        aria-label={t('nav.label')}
        className="group absolute inset-y-0 left-0 flex w-12 flex-col gap-1 overflow-hidden border-r border-line bg-surface py-2 hover:w-48 hover:shadow-xl has-[:focus-visible]:w-48 has-[:focus-visible]:shadow-xl"
      >
        <img src="/icon.svg" alt="" className="mx-2.5 mb-2 size-7" />
        {navPages.map((page) => (
          <Link
            key={page.path}
            to={page.path}
            aria-current={isAt(page, path) ? 'page' : undefined}
            className="relative mx-1.5 flex h-9 items-center gap-3 rounded-control px-2.5 text-muted hover:bg-raised hover:text-text aria-[current]:bg-raised aria-[current]:text-accent focus-visible:-outline-offset-2"
          >
            <page.nav.icon aria-hidden className="size-4 shrink-0" />
            <span className="flex-1 whitespace-nowrap opacity-0 group-hover:opacity-100 group-has-[:focus-visible]:opacity-100">
              {t(page.nav.label)}
            </span>
            <Badge page={page} className="absolute top-0.5 left-5" />
          </Link>
        ))}
        <button
          type="button"
          onClick={showPalette}
          className="relative mx-1.5 mt-auto flex h-9 items-center gap-3 rounded-control px-2.5 text-left text-muted hover:bg-raised hover:text-text focus-visible:-outline-offset-2"
        >
          <Search aria-hidden className="size-4 shrink-0" />
          <span className="flex-1 whitespace-nowrap opacity-0 group-hover:opacity-100 group-has-[:focus-visible]:opacity-100">
            {t('palette.short')} <kbd className="font-sans text-meta">{keyText('Mod+K')}</kbd>
          </span>
        </button>
        <LiveMark />
      </nav>
    </div>
  );
}

function LiveMark() {
  const t = useMessages();
  const feed = useNodeFeed();
  const isLive = feed.kind === 'live';
  return (
    <p className="flex h-9 items-center gap-3 px-4.5 text-muted">
      <span aria-hidden className={`size-2.5 shrink-0 rounded-full ${isLive ? 'bg-ok' : 'border-2 border-wait'}`} />
      <span className="whitespace-nowrap opacity-0 group-hover:opacity-100 group-has-[:focus-visible]:opacity-100">
        {isLive ? t('live.live') : t('live.not')}
      </span>
    </p>
  );
}

const CELL =
  'relative flex min-h-13 flex-1 flex-col items-center justify-center gap-0.5 text-meta text-muted aria-[current]:text-accent focus-visible:-outline-offset-2';

function PhoneBar({ path }: { readonly path: string }) {
  const t = useMessages();
  const [isOpen, setOpen] = useState(false);
  const shown = navPages.filter((page) => page.nav.onPhone);
  const rest = navPages.filter((page) => !page.nav.onPhone);
  const isInRest = rest.some((page) => isAt(page, path));
  return (
    <nav
      aria-label={t('nav.label')}
      className="flex shrink-0 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {shown.map((page) => (
        <Link key={page.path} to={page.path} aria-current={isAt(page, path) ? 'page' : undefined} className={CELL}>
          <page.nav.icon aria-hidden className="size-5" />
          {t(page.nav.label)}
          <Badge page={page} className="absolute top-1 left-1/2 ml-2" />
        </Link>
      ))}
      <button
        type="button"
        aria-haspopup="dialog"
        aria-current={isInRest ? 'page' : undefined}
        className={CELL}
        onClick={() => setOpen(true)}
      >
        <Ellipsis aria-hidden className="size-5" />
        {t('nav.more')}
      </button>
      {isOpen && (
        <Dialog title={t('nav.more')} onClose={() => setOpen(false)}>
          <ul className="flex flex-col gap-1">
            {rest.map((page) => (
              <li key={page.path}>
                <Link
                  to={page.path}
                  onClick={() => setOpen(false)}
                  aria-current={isAt(page, path) ? 'page' : undefined}
                  className="flex min-h-11 items-center gap-3 rounded-control px-3 text-form aria-[current]:bg-raised aria-[current]:text-accent"
                >
                  <page.nav.icon aria-hidden className="size-5" />
                  {t(page.nav.label)}
                </Link>
              </li>
            ))}
            <li>
              <button
                type="button"
                className="flex min-h-11 w-full items-center gap-3 rounded-control px-3 text-left text-form"
                onClick={() => {
                  setOpen(false);
                  showPalette();
                }}
              >
                <Search aria-hidden className="size-5" />
                {t('palette.short')}
              </button>
            </li>
          </ul>
        </Dialog>
      )}
    </nav>
  );
}
