//! The canvas for looking: cards light up, nothing moves. Only this folder knows xyflow.
import '@xyflow/react/dist/base.css';
import { Background, BackgroundVariant, ReactFlow, ReactFlowProvider, useReactFlow, useStore } from '@xyflow/react';
import { Maximize, Minus, Plus } from 'lucide-react';
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef } from 'react';
import { useMessages } from '../../i18n/messages';
import { IconButton } from '../../ui/button';
import { viewportOf } from '../bounds';
import type { LightStore } from '../card-states';
import { GRID, type Graph } from '../model';
import { type Direction, neighbour, readingOrder } from '../walk';
import CardView from './card-view';
import { CanvasContext } from './context';
import { type CardNode, handlesOf, type WireEdge } from './flow-nodes';
import WireView from './wire-view';

// Made once: new objects at each render would mount every card again.
const NODE_TYPES = { card: CardView };
const EDGE_TYPES = { wire: WireView };
/** A picture that would be smaller than this shows a part of itself instead. */
const READABLE_ZOOM = 0.5;

type GraphCanvasProps = {
  readonly graph: Graph;
  readonly lights: LightStore;
  readonly selected: string | undefined;
  readonly onSelect: (id: string | undefined) => void;
  readonly label: string;
  /** The card that is kept in sight as long as nobody moves the picture: the one that is looked at, or at work. */
  readonly spotlight?: string;
};

export default function GraphCanvas(props: GraphCanvasProps) {
  return (
    <ReactFlowProvider>
      <Inner {...props} />
    </ReactFlowProvider>
  );
}

function nodesOf(graph: Graph): CardNode[] {
  return graph.cards.map((card) => ({
    id: card.id,
    type: 'card',
    position: { x: card.x, y: card.y },
    width: card.width,
    height: card.height,
    data: { card },
    domAttributes: { 'aria-roledescription': undefined },
    // Sizes and ports are given, so that cards out of sight are never mounted to be measured.
    handles: handlesOf(card),
  }));
}

const edgesOf = (graph: Graph): WireEdge[] =>
  graph.wires.map((wire) => ({
    id: wire.id,
    type: 'wire',
    source: wire.from.step,
    sourceHandle: wire.from.port,
    target: wire.to.step,
    targetHandle: wire.to.port,
    focusable: false,
    data: { wire },
    // The list of steps tells the same in words.
    ariaRole: 'presentation' as const,
    domAttributes: { 'aria-hidden': true, 'aria-roledescription': undefined },
  }));

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
};

function Inner({ graph, lights, selected, onSelect, label, spotlight }: GraphCanvasProps) {
  const flow = useReactFlow();
  const box = useRef<HTMLDivElement>(null);
  const nodes = useMemo(() => nodesOf(graph), [graph]);
  const edges = useMemo(() => edgesOf(graph), [graph]);
  const first = useMemo(() => readingOrder(graph)[0]?.id, [graph]);
  const isKnown = selected !== undefined && graph.cards.some((card) => card.id === selected);
  const stop = isKnown ? selected : first;
  const context = useMemo(() => ({ lights, selected, onSelect, stop }), [lights, selected, onSelect, stop]);
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  // The picture fits whatever room there is, until somebody moves it.
  const isTouched = useRef(false);
  useEffect(() => {
    if (isTouched.current || width === 0) return;
    const spot = graph.cards.find((card) => card.id === spotlight);
    void flow.setViewport(viewportOf(graph.cards, { width, height }, spot, READABLE_ZOOM));
  }, [flow, graph, width, height, spotlight]);
  const touched = useCallback((event: unknown) => {
    if (event) isTouched.current = true;
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = event.target instanceof HTMLElement ? event.target.dataset.card : undefined;
    const direction = ARROWS[event.key];
    if (at === undefined || direction === undefined || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey)
      return;
    event.preventDefault();
    event.stopPropagation();
    const next = neighbour(graph, at, direction);
    const card = graph.cards.find((it) => it.id === next);
    if (!card) return;
    onSelect(card.id);
    isTouched.current = true;
    const zoom = Math.max(0.5, flow.getZoom());
    void flow.setCenter(card.x + card.width / 2, card.y + card.height / 2, { zoom });
    requestAnimationFrame(() =>
      box.current?.querySelector<HTMLElement>(`[data-card="${CSS.escape(card.id)}"]`)?.focus(),
    );
  };
  return (
    <CanvasContext.Provider value={context}>
      <div ref={box} role="group" aria-label={label} className="relative size-full" onKeyDownCapture={onKeyDown}>
        <ReactFlow
          aria-label={label}
          nodes={nodes}
          edges={edges}
          nodeTypes={NODE_TYPES}
          edgeTypes={EDGE_TYPES}
          onlyRenderVisibleElements
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          deleteKeyCode={null}
          selectionKeyCode={null}
          panActivationKeyCode={null}
          multiSelectionKeyCode={null}
          disableKeyboardA11y
          panOnScroll
          zoomOnDoubleClick={false}
          minZoom={0.05}
          maxZoom={2}
          onMoveStart={touched}
          onPaneClick={() => onSelect(undefined)}
          proOptions={{ hideAttribution: true }}
        >
          <Background variant={BackgroundVariant.Dots} gap={GRID} size={1} color="var(--line)" />
        </ReactFlow>
        <Controls
          onFit={() => {
            isTouched.current = false;
            void flow.setViewport(viewportOf(graph.cards, { width, height }, undefined, 0));
          }}
        />
      </div>
    </CanvasContext.Provider>
  );
}

function Controls({ onFit }: { readonly onFit: () => void }) {
  const t = useMessages();
  const flow = useReactFlow();
  return (
    <div className="absolute right-2 bottom-2 flex rounded-control border border-line bg-surface">
      <IconButton label={t('canvas.out')} onClick={() => void flow.zoomOut()}>
        <Minus aria-hidden className="size-4" />
      </IconButton>
      <IconButton label={t('canvas.in')} onClick={() => void flow.zoomIn()}>
        <Plus aria-hidden className="size-4" />
      </IconButton>
      <IconButton label={t('canvas.fit')} onClick={onFit}>
        <Maximize aria-hidden className="size-4" />
      </IconButton>
    </div>
  );
}
