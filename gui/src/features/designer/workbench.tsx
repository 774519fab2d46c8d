import { useEffect, useMemo, useRef } from 'react';
import { Group, Panel, type PanelImperativeHandle, Separator } from 'react-resizable-panels';
import { loadCodeView } from '@/shared/code/code-editor';
import { takeArriving } from '@/shared/document/arriving';
import type { PresetEditor } from '@/shared/document/types';
import { useCanEdit } from '@/shared/document/use-editor';
import type { Manifests } from '@/shared/graph/model';
import { useMessages } from '@/shared/i18n/messages';
import { Loading } from '@/shared/ui/states';
import { useNarrow } from '@/shared/ui/use-narrow';
import { BenchContext, useBenchParts, useSelection, useStoreValue } from './bench-context';
import { BottomPanel, BottomStrip } from './bottom-panel';
import { CanvasPane } from './canvas-pane';
import { pasteText, useClipboard } from './clipboard';
import { DesignerContext } from './context';
import { Follow } from './follow';
import { Header } from './header';
import { useOfferedHere } from './offered-commands';
import { PhoneBody } from './phone-body';
import { Popups } from './popups';
import { SaidAloud } from './said';
import { SelectionPanel } from './selection-panel';
import { SideBar } from './side-bar';
import { keepSize, readSizes } from './sizes';
import { type Bench, useBench } from './use-designer-model';
import { useKeys } from './use-keys';

type WorkbenchProps = { readonly editor: PresetEditor; readonly manifests: Manifests };

/** The designer of a document that is there: the header, the canvas, and what stands around it. */
export function Workbench({ editor, manifests }: WorkbenchProps) {
  const t = useMessages();
  const bench = useBench(editor, manifests);
  if (!bench) {
    return (
      <>
        <h1 className="sr-only">{t('designer.title')}</h1>
        <Loading lines={12} />
      </>
    );
  }
  return (
    <DesignerContext value={bench.designer}>
      <BenchContext value={bench}>
        <Whole bench={bench} />
      </BenchContext>
    </DesignerContext>
  );
}

const AHEAD_MS = 1_500;

/** The parts that come up by a click; what does not load now is loaded then. */
const loadAhead = () =>
  Promise.allSettled([
    import('./panel/step-panel'),
    import('./panel/workflow-panel'),
    import('./panel/problems-panel'),
    import('./panel/versions-panel'),
    import('./panel/data-tab'),
    loadCodeView(),
  ]);

function Whole({ bench }: { readonly bench: Bench }) {
  const { model, actions, commands, designer } = bench;
  const isNarrow = useNarrow();
  const canEdit = useCanEdit(designer.editor);
  useKeys(model, commands, true);
  useClipboard(model, actions, true);
  useOfferedHere(bench);
  // What may be opened next is there already when the node goes away.
  useEffect(() => {
    const timer = setTimeout(() => void loadAhead(), AHEAD_MS);
    return () => clearTimeout(timer);
  }, []);
  // What an import left for this workflow is pasted once, as soon as it can be.
  useEffect(() => {
    if (!canEdit) return;
    const text = takeArriving(designer.editor.id);
    if (text !== undefined) pasteText(model, actions, text);
  }, [canEdit, designer.editor, model, actions]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only the canvas takes files; elsewhere a dropped one must not open in place of the page.
    <div
      data-designer
      className="flex h-full flex-col"
      onDragOver={(event) => {
        if (event.defaultPrevented || !event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = 'none';
      }}
    >
      <Header />
      {isNarrow ? <PhoneBody /> : <WideBody />}
      <Popups />
      <Follow />
      <SaidAloud />
    </div>
  );
}

const BAR =
  'relative shrink-0 bg-line outline-none data-[separator=hover]:bg-accent data-[separator=active]:bg-accent focus-visible:bg-accent';

/** The kept size of the panel at the right; from the wide one on it shows input, config and output side by side. */
function rightSize(isWide: boolean): string | number {
  const { wide, right } = readSizes();
  return isWide ? `${wide}%` : right;
}

function WideBody() {
  const t = useMessages();
  const { model } = useBenchParts();
  const bottom = useStoreValue(model.bottom);
  const selection = useSelection();
  const panel = useStoreValue(model.panel);
  const right = useRef<PanelImperativeHandle>(null);
  const whole = useRef<HTMLDivElement>(null);
  const left = useRef<HTMLDivElement>(null);
  const isAbout = useStoreValue(model.about);
  const hasPanel = selection.size > 0 || isAbout;
  const { isWide } = panel;
  // A part comes up in its kept size, and what is kept later does not move it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: read anew each time that it comes up.
  const rightFirst = useMemo(() => rightSize(isWide), [hasPanel]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: as above.
  const belowFirst = useMemo(() => readSizes().bottom, [bottom.isOpen]);
  // It comes up in its size; only a change while it is there has to be told.
  const shownWide = useRef(isWide);
  useEffect(() => {
    if (shownWide.current !== isWide) right.current?.resize(rightSize(isWide));
    shownWide.current = isWide;
  }, [isWide]);
  // The panel comes up over the right part of the canvas: what was picked there is brought into sight again, with the focus if it had it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a wider panel takes more of the canvas.
  useEffect(() => {
    if (!hasPanel) return;
    const timer = setTimeout(() => {
      const canvas = model.canvas.current;
      const stop = model.stop.get();
      canvas?.reveal(model.selection.get(), true);
      if (stop !== undefined && canvas?.element() === document.activeElement) canvas?.focus(stop);
    }, 60);
    return () => clearTimeout(timer);
  }, [hasPanel, isWide, model]);
  return (
    // The panel of what is selected has the whole height: what it shows is read beside the lower one.
    <Group
      orientation="horizontal"
      className="min-h-0 flex-1"
      elementRef={whole}
      onLayoutChanged={(layout, { isUserInteraction }) => {
        // The layout that is told is newer than what the panel says of itself.
        if (layout.right === undefined || !isUserInteraction) return;
        if (isWide) keepSize('wide', layout.right);
        else keepSize('right', (layout.right / 100) * (whole.current?.clientWidth ?? 0));
      }}
    >
      <Panel id="left" minSize={240} className="flex flex-col">
        <Group
          orientation="vertical"
          className="min-h-0 flex-1"
          elementRef={left}
          onLayoutChanged={(layout, { isUserInteraction }) => {
            if (layout.bottom === undefined || !isUserInteraction) return;
            keepSize('bottom', (layout.bottom / 100) * (left.current?.clientHeight ?? 0));
          }}
        >
          <Panel id="canvas" minSize={120} className="relative">
            <CanvasPane />
            <SideBar />
          </Panel>
          {bottom.isOpen && (
            <>
              <Separator id="bottom-bar" aria-label={t('designer.panel.resize.bottom')} className={`${BAR} h-px`} />
              <Panel
                id="bottom"
                defaultSize={belowFirst}
                minSize={120}
                maxSize="80%"
                groupResizeBehavior="preserve-pixel-size"
              >
                <BottomPanel />
              </Panel>
            </>
          )}
        </Group>
        {!bottom.isOpen && <BottomStrip />}
      </Panel>
      {hasPanel && (
        <>
          <Separator id="right-bar" aria-label={t('designer.panel.resize.right')} className={`${BAR} w-px`} />
          <Panel
            id="right"
            panelRef={right}
            defaultSize={rightFirst}
            minSize={280}
            groupResizeBehavior={isWide ? 'preserve-relative-size' : 'preserve-pixel-size'}
            className="bg-surface"
          >
            <SelectionPanel />
          </Panel>
        </>
      )}
    </Group>
  );
}
