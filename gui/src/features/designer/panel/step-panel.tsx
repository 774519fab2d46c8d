//! The panel of the selected step or trigger: its form, its data, its docs.

import { type ReactNode, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { Group, Panel, Separator } from 'react-resizable-panels';
import type { Manifest } from '@/shared/api/types';
import { carriesField } from '@/shared/code/drag';
import { goTo } from '@/shared/code/go-to';
import type { DocPlace } from '@/shared/document/types';
import { useSnapshot } from '@/shared/document/use-editor';
import { FieldsView } from '@/shared/forms/form-view';
import { ItemStepper, readsItems } from '@/shared/forms/preview';
import { formOf, type ObjectField } from '@/shared/forms/schema';
import { FormContext, pointerOf } from '@/shared/forms/target';
import { useMessages } from '@/shared/i18n/messages';
import { Empty } from '@/shared/ui/states';
import { type Tab, Tabs } from '@/shared/ui/tabs';
import { useDesigner } from '../context';
import { keepSize, readSizes } from '../sizes';
import { AdvancedTab } from './advanced-tab';
import { type Card, cardOf } from './card-of';
import { InputData, OutputData } from './data-tab';
import { DocsTab } from './docs-tab';
import { Failed } from './failed';
import { FieldList, useFieldInsertion } from './field-list';
import { PanelHeader } from './header';
import { useWorld } from './world';

/** From this width on, input and output stand beside the form. */
const WIDE_PX = 720;

/** The panel of one step or trigger. */
export function StepPanel({ step }: { readonly step: string }) {
  const t = useMessages();
  const { editor, manifests } = useDesigner();
  const card = useSnapshot(editor, (snapshot) => cardOf(snapshot.preset, step));
  if (!card) {
    return (
      <Empty title={t('panel.gone')}>
        <p>{t('panel.gone.hint')}</p>
      </Empty>
    );
  }
  return (
    <CardPanel
      key={`${card.of} ${step} ${card.card.component}`}
      card={card}
      manifest={manifests.get(card.card.component)}
    />
  );
}

type CardPanelProps = { readonly card: Card; readonly manifest: Manifest | undefined };

function CardPanel({ card, manifest }: CardPanelProps) {
  const t = useMessages();
  const form = useMemo(() => formOf(card.card.component, manifest?.config ?? {}), [card.card.component, manifest]);
  const world = useWorld(card, form);
  const [frame, isWide] = useIsWide();
  const [tab, setTab] = useState('config');
  usePlace(card, setTab);
  const name = card.card.name || card.id;
  return (
    <section
      ref={frame}
      aria-label={name}
      className="flex h-full min-h-0 flex-col bg-surface focus-visible:-outline-offset-2"
    >
      <FormContext value={world}>
        <PanelHeader card={card} manifest={manifest} />
        <Failed card={card} manifest={manifest} />
        {manifest ? (
          <Body card={card} manifest={manifest} form={form} isWide={isWide} tab={tab} onTab={setTab} />
        ) : (
          <Empty title={t('panel.unknown', { name: card.card.component })}>
            <p>{t('panel.unknown.hint')}</p>
          </Empty>
        )}
      </FormContext>
    </section>
  );
}

type BodyProps = {
  readonly card: Card;
  readonly manifest: Manifest;
  readonly form: ObjectField;
  readonly isWide: boolean;
  readonly tab: string;
  readonly onTab: (tab: string) => void;
};

function Body({ card, manifest, form, isWide, tab, onTab }: BodyProps) {
  const t = useMessages();
  const actions = useFieldInsertion(form, card.card.config);
  const isTrigger = card.of === 'triggers';
  const config = (
    <div className="flex h-full min-h-0 flex-col">
      <div className="scroll-thin min-h-0 flex-1 overflow-y-auto px-4 py-3">
        <div className="mb-2 flex justify-end empty:hidden">
          <ItemStepper hasReader={readsItems(JSON.stringify(card.card.config ?? {}))} />
        </div>
        {form.fields.length === 0 && Object.keys(card.card.config ?? {}).length === 0 ? (
          <p className="text-muted">{t('form.nothing')}</p>
        ) : (
          <FieldsView fields={form.fields} path={[]} value={card.card.config ?? {}} />
        )}
      </div>
      {!isWide && !isTrigger && <FieldList actions={actions} />}
    </div>
  );
  const input = <InputData card={card} manifest={manifest} actions={actions} />;
  const output = <OutputData card={card} manifest={manifest} />;
  const tabs: Tab[] = [
    { id: 'config', label: t('panel.tab.config'), content: () => config },
    ...(isWide
      ? []
      : [
          {
            id: 'data',
            label: t('panel.tab.data'),
            content: () => <BothSides isTrigger={isTrigger} input={input} output={output} />,
          },
        ]),
    { id: 'docs', label: t('panel.tab.docs'), content: () => <DocsTab card={card} manifest={manifest} /> },
    { id: 'advanced', label: t('panel.tab.advanced'), content: () => <AdvancedTab card={card} /> },
  ];
  const middle = (
    // A drag that rests over the panel while another tab shows comes back to the form.
    // biome-ignore lint/a11y/noStaticElementInteractions: for drags only; keys use the menu "insert into".
    <div
      className="flex h-full min-h-0 min-w-0 flex-col"
      onDragOver={(event) =>
        tab !== 'config' && carriesField(event.dataTransfer) && isOverTabs(event.target) && onTab('config')
      }
    >
      <Tabs label={t('panel.tabs')} tabs={tabs} value={isWide && tab === 'data' ? 'config' : tab} onChange={onTab} />
    </div>
  );
  if (!isWide) return <div className="min-h-0 flex-1">{middle}</div>;
  return (
    <div
      className={`grid min-h-0 flex-1 border-t border-line ${isTrigger ? 'grid-cols-[minmax(20rem,1fr)_1fr]' : 'grid-cols-[1fr_minmax(22rem,1.1fr)_1fr]'}`}
    >
      {!isTrigger && <div className="min-h-0 min-w-0 border-r border-line">{input}</div>}
      <div className="min-h-0 min-w-0">{middle}</div>
      <div className="min-h-0 min-w-0 border-l border-line">{output}</div>
    </div>
  );
}

const isOverTabs = (target: EventTarget): boolean =>
  target instanceof Element && target.closest('[role=tablist]') !== null;

type BothSidesProps = { readonly isTrigger: boolean; readonly input: ReactNode; readonly output: ReactNode };

/** Input above output; a trigger has only the latter. */
function BothSides({ isTrigger, input, output }: BothSidesProps) {
  const t = useMessages();
  const [first] = useState(() => `${readSizes().input}%`);
  if (isTrigger) return output;
  return (
    <Group
      orientation="vertical"
      className="h-full"
      onLayoutChanged={(layout, { isUserInteraction }) => {
        if (isUserInteraction && layout.input !== undefined) keepSize('input', layout.input);
      }}
    >
      <Panel id="input" defaultSize={first} minSize={96}>
        {input}
      </Panel>
      <Separator
        id="input-bar"
        aria-label={t('panel.resize.data')}
        className="relative h-px shrink-0 bg-line outline-none data-[separator=hover]:bg-accent data-[separator=active]:bg-accent focus-visible:bg-accent"
      />
      <Panel id="output" minSize={96}>
        {output}
      </Panel>
    </Group>
  );
}

/** Whether an element is wide enough for three panes: the panel's own width counts, not the window's. */
function useIsWide(): [(element: HTMLElement | null) => void, boolean] {
  const [isWide, setIsWide] = useState(false);
  const observer = useRef<ResizeObserver>(null);
  const watch = useRef((element: HTMLElement | null) => {
    observer.current?.disconnect();
    if (!element) return;
    observer.current = new ResizeObserver(([entry]) => setIsWide((entry?.contentRect.width ?? 0) >= WIDE_PX));
    observer.current.observe(element);
  });
  return [watch.current, isWide];
}

const TRIES_MAX = 40;
const TRY_MS = 50;
const EDITOR_TRIES = 20;
const FOCUSABLE = 'input:not([type=hidden]), select, textarea, [contenteditable=true]';

/** Places that a panel has gone to: a panel that opens later does not go there again. */
const reached = new WeakSet<DocPlace>();

/** Goes to the place that the designer was sent to: the tab, then the field, once it is drawn. */
function usePlace({ id, of }: Card, onTab: (tab: string) => void): void {
  const { panel } = useDesigner();
  const place = useSyncExternalStore(panel.subscribe, () => panel.get().place);
  useEffect(() => {
    if (!place || reached.has(place) || place[0] !== of || place[1] !== id) return;
    if (place[2] !== 'config') {
      reached.add(place);
      if (place[2] !== undefined && place[2] !== 'component') onTab('advanced');
      return;
    }
    onTab('config');
    const { line } = panel.get();
    let tries = 0;
    const look = () => {
      tries += 1;
      const field = fieldAt(place.slice(3));
      // What is typed or chosen in goes before the buttons around it, also when its editor is still being loaded.
      const button = tries > EDITOR_TRIES ? field?.querySelector<HTMLElement>('button') : undefined;
      const focusable = field?.querySelector<HTMLElement>(FOCUSABLE) ?? button;
      if (!focusable && tries < TRIES_MAX) return;
      clearInterval(timer);
      reached.add(place);
      field?.scrollIntoView({ block: 'center' });
      focusable?.focus();
      if (line !== undefined) goTo(focusable, { line });
    };
    const timer = setInterval(look, TRY_MS);
    return () => clearInterval(timer);
  }, [place, of, id, onTab, panel]);
}

/** The field of a path, or the nearest one around it. */
function fieldAt(path: DocPlace): Element | null {
  for (let length = path.length; length > 0; length -= 1) {
    const found = document.querySelector(`[data-field="${CSS.escape(pointerOf(path.slice(0, length)))}"]`);
    if (found) return found;
  }
  return null;
}
