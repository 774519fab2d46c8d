import { useEffect, useMemo, useRef, useState } from 'react';
import { iconOf } from '@/shared/graph/canvas/icons';
import { COMPONENT_TYPE } from '@/shared/graph/carried';
import { ranked } from '@/shared/graph/ranking';
import { useMessages } from '@/shared/i18n/messages';
import { useCategoryName } from '@/shared/manifests/use-components';
import { plainProse } from '@/shared/ui/prose-text';
import { useBenchParts } from './bench-context';

/** Every component, to be dragged onto the canvas or added by a click. */
export function Palette() {
  const t = useMessages();
  const categoryName = useCategoryName();
  const { actions, designer } = useBenchParts();
  const [query, setQuery] = useState('');
  const list = useMemo(() => ranked(designer.manifests.values(), query), [designer.manifests, query]);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus({ preventScroll: true }), []);
  let category = '';
  return (
    <>
      <div className="px-2 pb-2">
        <input
          type="search"
          ref={field}
          aria-label={t('designer.palette.search')}
          placeholder={t('designer.palette.search')}
          value={query}
          className="h-8 w-full rounded-control border border-control bg-surface px-2.5 text-form placeholder:text-muted pointer-coarse:h-11"
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={(event) => {
            const [first] = list;
            if (event.key === 'Enter' && first) actions.add(first, actions.askBeside());
          }}
        />
        <p className="px-0.5 pt-1.5 text-meta text-muted">{t('designer.palette.hint')}</p>
      </div>
      <ul className="scroll-thin min-h-0 flex-1 overflow-y-auto px-1 pb-2">
        {list.map((manifest) => {
          const Icon = iconOf(manifest.name, manifest.category);
          const isFirst = query === '' && manifest.category !== category;
          category = manifest.category;
          return (
            <li key={manifest.name}>
              {isFirst && (
                <p className="px-2 pt-2 pb-0.5 text-meta font-semibold text-muted">{categoryName(manifest.category)}</p>
              )}
              <button
                type="button"
                draggable
                title={plainProse(manifest.summary)}
                aria-label={t('designer.palette.add', { name: manifest.title })}
                className="flex min-h-8 w-full cursor-grab items-center gap-2.5 rounded-control px-2 text-left hover:bg-raised focus-visible:-outline-offset-2 active:cursor-grabbing"
                onDragStart={(event) => {
                  event.dataTransfer.setData(COMPONENT_TYPE, manifest.name);
                  event.dataTransfer.effectAllowed = 'copy';
                }}
                onClick={() => actions.add(manifest, actions.askBeside())}
              >
                <Icon aria-hidden className="size-4 shrink-0 text-muted" />
                <span className="truncate">{manifest.title}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {list.length === 0 && (
        <p role="status" className="px-3 pb-3 text-muted">
          {t('designer.palette.none', { query })}
        </p>
      )}
    </>
  );
}
