import { StickyNote } from 'lucide-react';
import { Suspense, useMemo, useState } from 'react';
import type { Manifest } from '@/shared/api/types';
import { iconOf } from '@/shared/graph/canvas/icons';
import { Connections, fits } from '@/shared/graph/connect';
import { type Card, ERROR_PORT } from '@/shared/graph/model';
import { ranked } from '@/shared/graph/ranking';
import { readingOrder } from '@/shared/graph/walk';
import { useMessages } from '@/shared/i18n/messages';
import { useCategoryName } from '@/shared/manifests/use-components';
import { lazily } from '@/shared/ui/lazily';
import { plainProse } from '@/shared/ui/prose-text';
import { useBenchParts, useScene, useStoreValue } from './bench-context';
import { CanvasMenu } from './canvas-menu';
import { ImportDialog } from './import-dialog';
import type { Popup } from './model';
import { type Pick, Picker } from './picker';

const RunDialog = lazily(() => import('@/shared/jobs/run-dialog'));

const NOTE = '@note';

/** Whatever stands over the canvas for a moment. When it goes, the focus goes back to the canvas. */
export function Popups() {
  const { model, designer } = useBenchParts();
  const popup = useStoreValue(model.popup);
  if (!popup) return null;
  const close = () => {
    model.popup.set(undefined);
    model.canvas.current?.focus(model.stop.get());
  };
  switch (popup.kind) {
    case 'add':
      return <QuickAdd ask={popup.ask} onClose={close} />;
    case 'replace':
      return <Replace popup={popup} onClose={close} />;
    case 'targets':
      return <Targets key={popup.id} popup={popup} onClose={close} />;
    case 'find':
      return <Find popup={popup} onClose={close} />;
    case 'menu':
      return <CanvasMenu popup={popup} onClose={close} />;
    case 'import':
      return <ImportDialog onClose={close} />;
    case 'input':
      return (
        <Suspense>
          <RunDialog what={{ kind: 'draft', which: designer.editor.id }} onClose={close} />
        </Suspense>
      );
  }
}

const componentIcon = (manifest: Manifest) => {
  const Icon = iconOf(manifest.name, manifest.category);
  return <Icon aria-hidden className="size-4 shrink-0 text-muted" />;
};

/** Makes entries of components; they stand under their categories while nothing is searched. */
function usePickOf(): (manifest: Manifest, hasHeading: boolean) => Pick {
  const categoryName = useCategoryName();
  return (manifest, hasHeading) => ({
    id: manifest.name,
    title: manifest.title,
    hint: plainProse(manifest.summary),
    icon: componentIcon(manifest),
    heading: hasHeading ? categoryName(manifest.category) : undefined,
  });
}

type Of<Kind extends Popup['kind']> = Extract<Popup, { kind: Kind }>;
type Closing = { readonly onClose: () => void };

function QuickAdd({ ask, onClose }: { readonly ask: Of<'add'>['ask'] } & Closing) {
  const t = useMessages();
  const pickOf = usePickOf();
  const { model, actions, designer } = useBenchParts();
  const side = ask.wire !== undefined ? 'between' : ask.loose ? (ask.loose.side === 'out' ? 'from' : 'to') : 'any';
  const fitting = useMemo(
    () => [...designer.manifests.values()].filter((manifest) => fits(manifest, side)),
    [designer.manifests, side],
  );
  const near = model.card(ask.loose?.end.step);
  const label =
    side === 'between'
      ? t('designer.quick.wire')
      : near
        ? t(side === 'from' ? 'designer.quick.from' : 'designer.quick.to', { name: near.name })
        : t('designer.quick');
  const find = (query: string): Pick[] => {
    const picks = ranked(fitting, query).map((manifest) => pickOf(manifest, query === ''));
    const note = t('designer.quick.note');
    const isNote = side === 'any' && note.toLowerCase().includes(query.toLowerCase());
    const sticky: Pick = {
      id: NOTE,
      title: note,
      hint: t('designer.quick.note.hint'),
      icon: <StickyNote aria-hidden className="size-4 shrink-0 text-muted" />,
      heading: query === '' ? note : undefined,
    };
    return isNote ? [...picks, sticky] : picks;
  };
  return (
    <Picker
      label={label}
      placeholder={t('designer.palette.search')}
      at={ask.client}
      find={find}
      none={(query) => t('designer.palette.none', { query })}
      onClose={onClose}
      onPick={(id) => {
        model.popup.set(undefined);
        const manifest = designer.manifests.get(id);
        if (id === NOTE) actions.note(ask.at);
        else if (manifest) actions.add(manifest, ask);
      }}
    />
  );
}

function Replace({ popup, onClose }: { readonly popup: Of<'replace'> } & Closing) {
  const t = useMessages();
  const pickOf = usePickOf();
  const { model, actions, designer } = useBenchParts();
  const card = model.card(popup.id);
  const isTrigger = card?.kind === 'trigger';
  const same = useMemo(
    () =>
      [...designer.manifests.values()].filter(
        (it) => (it.kind === 'trigger') === isTrigger && it.name !== card?.component,
      ),
    [designer.manifests, isTrigger, card?.component],
  );
  if (!card) return null;
  return (
    <Picker
      label={t('designer.quick.replace', { name: card.name })}
      placeholder={t('designer.palette.search')}
      at={popup.client}
      find={(query) => ranked(same, query).map((manifest) => pickOf(manifest, query === ''))}
      none={(query) => t('designer.palette.none', { query })}
      onClose={onClose}
      onPick={(name) => {
        model.popup.set(undefined);
        const manifest = designer.manifests.get(name);
        if (manifest) actions.replace(popup.id, manifest);
      }}
    />
  );
}

const cardIcon = (card: Card) => {
  const Icon = iconOf(card.component, card.category);
  return <Icon aria-hidden className="size-4 shrink-0 text-muted" />;
};

/** Every input that a step may feed: connecting without a pointer. */
function Targets({ popup, onClose }: { readonly popup: Of<'targets'> } & Closing) {
  const t = useMessages();
  const { model, actions } = useBenchParts();
  const { graph } = useScene();
  const card = model.card(popup.id);
  const [port, setPort] = useState(() => card?.outputs.find((it) => it !== ERROR_PORT) ?? card?.outputs[0]);
  const targets = useMemo(
    () => (port === undefined ? [] : new Connections(graph).targets({ step: popup.id, port })),
    [graph, popup.id, port],
  );
  if (!card) return null;
  const find = (query: string): Pick[] =>
    targets.flatMap((end): Pick[] => {
      const to = model.card(end.step);
      if (!to?.name.toLowerCase().includes(query.toLowerCase())) return [];
      return [
        {
          id: `${end.step} ${end.port}`,
          title: to.name,
          hint: to.inputs.length > 1 ? `${end.port} · ${to.title}` : to.title,
          icon: cardIcon(to),
        },
      ];
    });
  return (
    <Picker
      label={t('designer.targets', { name: card.name })}
      placeholder={t('designer.targets.search')}
      at={popup.client}
      find={find}
      none={() => t('designer.targets.none', { name: card.name })}
      onClose={onClose}
      onPick={(picked) => {
        const [step = '', to = ''] = picked.split(' ');
        onClose();
        if (port !== undefined) actions.connect({ step: card.id, port }, { step, port: to });
      }}
    >
      {card.outputs.length > 1 && (
        <fieldset className="flex flex-wrap items-center gap-2 px-3 pb-2">
          <legend className="sr-only">{t('designer.targets.port')}</legend>
          {card.outputs.map((it) => (
            <label key={it} className="flex items-center gap-1">
              <input
                type="radio"
                name="port"
                className="accent-accent"
                checked={it === port}
                onChange={() => setPort(it)}
              />
              {it}
            </label>
          ))}
        </fieldset>
      )}
    </Picker>
  );
}

function Find({ popup, onClose }: { readonly popup: Of<'find'> } & Closing) {
  const t = useMessages();
  const { model, actions } = useBenchParts();
  const scene = useScene();
  const all = useMemo(() => readingOrder(scene.graph), [scene.graph]);
  const find = (query: string): Pick[] => {
    const wanted = query.toLowerCase();
    const has = (text: string) => text.toLowerCase().includes(wanted);
    return [
      ...all
        .filter((card) => has(card.name) || has(card.title) || has(card.id))
        .map((card) => ({ id: card.id, title: card.name, hint: card.title, icon: cardIcon(card) })),
      ...scene.notes
        .filter((note) => has(note.text))
        .map((note) => ({
          id: note.id,
          title: note.text.split('\n')[0] ?? '',
          hint: t('designer.quick.note'),
          icon: <StickyNote aria-hidden className="size-4 shrink-0 text-muted" />,
        })),
    ];
  };
  return (
    <Picker
      label={t('designer.find')}
      placeholder={t('designer.targets.search')}
      at={popup.client}
      find={find}
      none={(query) => t('designer.find.none', { query })}
      onClose={onClose}
      onPick={(id) => {
        model.popup.set(undefined);
        actions.go(id);
      }}
    />
  );
}
