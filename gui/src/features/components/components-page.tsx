import { Link, useParams } from '@tanstack/react-router';
import { ChevronLeft, Search } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { Manifest } from '@/shared/api/types';
import { iconOf } from '@/shared/graph/canvas/icons';
import { useMessages } from '@/shared/i18n/messages';
import { useCategoryName, useComponents } from '@/shared/manifests/use-components';
import { Input } from '@/shared/ui/field';
import { plainProse } from '@/shared/ui/prose-text';
import { Empty, Ready } from '@/shared/ui/states';
import { ComponentDetail } from './component-detail';

/** What steps can be made of: the list, and the page of one. On a phone one of both. */
export default function ComponentsPage() {
  const t = useMessages();
  const { name } = useParams({ strict: false }) as { name?: string };
  const components = useComponents();
  return (
    <Ready of={components} lines={12}>
      {(all) => {
        const shown = all.find((it) => it.name === name);
        return (
          <div className="flex h-full">
            <div
              className={`min-h-0 w-full flex-col border-line bg-surface md:flex md:w-80 md:shrink-0 md:border-r ${name ? 'hidden' : 'flex'}`}
            >
              <List all={all} chosen={name} />
            </div>
            <div className={`min-h-0 min-w-0 flex-1 flex-col ${name ? 'flex' : 'hidden md:flex'}`}>
              {name && <h1 className="sr-only md:hidden">{t('components.title')}</h1>}
              {name && (
                <Link
                  to="/components"
                  className="flex min-h-11 items-center gap-1 border-b border-line px-3 text-accent md:hidden"
                >
                  <ChevronLeft aria-hidden className="size-4" />
                  {t('components.title')}
                </Link>
              )}
              {shown ? (
                <ComponentDetail key={shown.name} manifest={shown} />
              ) : name ? (
                <Empty title={t('components.missing', { name })} />
              ) : (
                <Empty title={t('components.choose')} />
              )}
            </div>
          </div>
        );
      }}
    </Ready>
  );
}

function List({ all, chosen }: { readonly all: readonly Manifest[]; readonly chosen: string | undefined }) {
  const t = useMessages();
  const categoryName = useCategoryName();
  const [words, setWords] = useState('');
  const groups = useMemo(() => {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    const found = new Map<string, Manifest[]>();
    for (const it of all) {
      const text = `${it.name} ${it.title} ${it.summary} ${it.category} ${categoryName(it.category)}`.toLowerCase();
      if (!wanted.every((word) => text.includes(word))) continue;
      found.set(it.category, [...(found.get(it.category) ?? []), it]);
    }
    return [...found]
      .map(([category, list]) => [categoryName(category), list] as const)
      .sort(([one], [other]) => one.localeCompare(other));
  }, [all, words, categoryName]);
  return (
    <>
      <div className="flex flex-col gap-2 px-4 pt-4 pb-3">
        <h1 className="text-page">{t('components.title')}</h1>
        <div className="relative">
          <Search
            aria-hidden
            className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-muted"
          />
          <Input
            type="search"
            aria-label={t('components.search')}
            placeholder={t('components.search')}
            className="pl-8!"
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
        </div>
      </div>
      <nav aria-label={t('components.title')} className="scroll-thin min-h-0 flex-1 overflow-y-auto pb-4">
        {groups.length === 0 && <Empty title={t('components.none_found')} />}
        {groups.map(([category, list]) => (
          <section key={category} aria-label={category}>
            <h2 className="sticky top-0 bg-surface px-4 pt-3 pb-1 text-meta text-muted">{category}</h2>
            <ul>
              {list.map((it) => {
                const Icon = iconOf(it.name, it.category);
                return (
                  <li key={it.name}>
                    <Link
                      to="/components/$name"
                      params={{ name: it.name }}
                      aria-current={it.name === chosen ? 'page' : undefined}
                      className="flex gap-3 px-4 py-1.5 hover:bg-raised focus-visible:-outline-offset-2 aria-[current]:bg-raised pointer-coarse:py-2.5"
                    >
                      <Icon aria-hidden className="mt-0.5 size-4 shrink-0 text-muted" />
                      <span className="min-w-0">
                        <span className="block font-semibold">{it.title}</span>
                        <span className="block truncate text-meta text-muted">{plainProse(it.summary)}</span>
                      </span>
                    </Link>
                  </li>
                );
              })}
            </ul>
          </section>
        ))}
      </nav>
    </>
  );
}
