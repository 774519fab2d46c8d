//! The canvas that edits. It owns what lasts as long as a gesture; everything else comes from outside and goes there.
import '@xyflow/react/dist/base.css';
import './canvas.css';
import {
  Background,
  BackgroundVariant,
  type EdgeChange,
  type NodeChange,
  ReactFlow,
  ReactFlowProvider,
  SelectionMode,
  useReactFlow,
  useStore,
} from '@xyflow/react';
import {
  type MouseEvent,
  type PointerEvent,
  type ReactNode,
  type Ref,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { viewportOf, wireAt } from '../bounds';
import type { LightStore } from '../card-states';
import { COMPONENT_TYPE } from '../carried';
import { Connections } from '../connect';
import { snapPoint } from '../grid';
import { type KeyedStore, Store } from '../keyed-store';
import { GRID, type Point } from '../model';
import type { ChangeKind } from '../preset-diff';
import { framesOf, type Scene } from '../scene';
import type { SelectionStore } from '../selection';
import { readingOrder } from '../walk';
import { type CanvasHandle, useHandle } from './canvas-handle';
import { CanvasControls } from './controls';
import EditCard from './edit-card';
import { type CanvasEvents, type Drop, EditContext } from './edit-context';
import EditGroup from './edit-group';
import EditNote from './edit-note';
import EditWire from './edit-wire';
import { EdgeBook, type FlowNode, NodeBook, type WireEdge } from './flow-nodes';
import { Minimap } from './minimap';
import { isFar, OverviewCanvas } from './overview-canvas';
import { PeersLayer, type PeersSource } from './peers-layer';
import { useConnecting } from './use-connecting';
import { useOverviewPointer } from './use-overview-pointer';
import { WirePreview } from './wire-preview';

// Made once: new objects at each render would mount every card again.
const NODE_TYPES = { card: EditCard, note: EditNote, group: EditGroup };
const EDGE_TYPES = { wire: EditWire };
const SNAP: [number, number] = [GRID, GRID];
const NO_ARIA = { 'node.a11yDescription.ariaLiveMessage': () => '' };
const NONE: never[] = [];
const NO_PLACES: ReadonlyMap<string, Point> = new Map();
/** How near to a wire a step must be dropped to go into it. */
const WIRE_REACH = 28;
const READABLE_ZOOM = 0.6;
const CURSOR_MS = 50;
/** Fewer cards are found without a map, which would only lie over them. */
const MAPPED_CARDS = 12;

export type EditingCanvasProps = {
  readonly scene: Scene;
  readonly lights: LightStore;
  readonly problems: KeyedStore<number>;
  readonly changes: KeyedStore<ChangeKind>;
  readonly selection: SelectionStore;
  readonly stop: Store<string | undefined>;
  readonly writing: Store<string | undefined>;
  readonly peers: PeersSource;
  readonly canEdit: boolean;
  readonly isTouch: boolean;
  readonly label: string;
  readonly on: CanvasEvents;
  readonly ref: Ref<CanvasHandle>;
  readonly children?: ReactNode;
};

export default function EditingCanvas(props: EditingCanvasProps) {
  return (
    <ReactFlowProvider>
      <Inner {...props} />
    </ReactFlowProvider>
  );
}

function Inner(props: EditingCanvasProps) {
  const {
    scene,
    lights,
    problems,
    changes,
    selection,
    stop,
    writing,
    peers,
    canEdit,
    isTouch,
    label,
    on,
    ref,
    children,
  } = props;
  const { graph } = scene;
  const flow = useReactFlow<FlowNode, WireEdge>();
  const box = useRef<HTMLDivElement>(null);
  const selected = useSyncExternalStore(selection.subscribe, selection.get);
  const [moved, setMoved] = useState(NO_PLACES);
  const connections = useMemo(() => ({ get: once(() => new Connections(graph)) }), [graph]);
  const connecting = useConnecting(scene, connections, on);
  const [drop] = useState(() => new Store<Drop>(undefined));
  const isMany = useStore((state) => isFar({ scene }, state.transform, state.width, state.height));

  const [nodeBook] = useState(() => new NodeBook());
  const [edgeBook] = useState(() => new EdgeBook());
  const nodes = useMemo(
    () => nodeBook.nodes(scene, selected, moved, isTouch),
    [nodeBook, scene, selected, moved, isTouch],
  );
  const edges = useMemo(() => edgeBook.edges(graph, selected), [edgeBook, graph, selected]);

  // Whatever Tab reaches is there: the first card until another one is gone to.
  useEffect(() => {
    const at = stop.get();
    const isThere =
      at !== undefined && (graph.cards.some((card) => card.id === at) || scene.notes.some((it) => it.id === at));
    if (!isThere) stop.set(readingOrder(graph)[0]?.id ?? scene.notes[0]?.id);
  }, [graph, scene.notes, stop]);

  const context = useMemo(
    () => ({ lights, problems, changes, refusing: connecting.refusing, drop, writing, stop, canEdit, on }),
    [lights, problems, changes, connecting.refusing, drop, writing, stop, canEdit, on],
  );
  useHandle({ ref, box, scene, selection, stop });
  useFirstView(scene);
  useParkedFocus(box);
  const overview = useOverviewPointer({ isOn: isMany, scene, selection, stop });

  const onNodesChange = useCallback(
    (changes: readonly NodeChange<FlowNode>[]) => {
      const picked = new Set(selection.get());
      let places: Map<string, Point> | undefined;
      for (const change of changes) {
        if (change.type === 'select') {
          if (change.selected) picked.add(change.id);
          else picked.delete(change.id);
        } else if (change.type === 'position' && change.position && change.dragging) {
          places ??= new Map();
          places.set(change.id, change.position);
        }
      }
      selection.set(picked);
      const latest = places;
      if (latest) setMoved((before) => new Map([...before, ...latest]));
    },
    [selection],
  );
  const onEdgesChange = useCallback(
    (changes: readonly EdgeChange<WireEdge>[]) => {
      const picked = new Set(selection.get());
      for (const change of changes) {
        if (change.type !== 'select') continue;
        if (change.selected) picked.add(change.id);
        else picked.delete(change.id);
      }
      selection.set(picked);
    },
    [selection],
  );

  const placesOf = (dragged: readonly FlowNode[]) =>
    new Map(dragged.filter((node) => node.type !== 'group').map((node) => [node.id, snapPoint(node.position)]));
  const onNodeDrag = (_: unknown, node: FlowNode, dragged: FlowNode[]) => {
    on.dragging(placesOf(dragged));
    drop.set(dragged.length === 1 ? dropOn(scene, node, connections.get()) : undefined);
  };
  const onNodeDragStop = (_: unknown, node: FlowNode, dragged: FlowNode[]) => {
    const places = placesOf(dragged);
    const wire = drop.get()?.wire;
    drop.set(undefined);
    on.dragging(undefined);
    const before = new Map(scene.graph.cards.map((card) => [card.id, card]));
    const isMoved = [...places].some(([id, at]) => {
      const was = before.get(id) ?? scene.notes.find((note) => note.id === id);
      return was && (was.x !== at.x || was.y !== at.y);
    });
    if (wire !== undefined) on.inserted(node.id, wire, places);
    else if (isMoved) on.moved(places);
    setMoved(NO_PLACES);
  };

  // A frame is picked with what it holds, so that dragging its title drags all of it.
  const pickFrame = (event: PointerEvent) => {
    const id =
      event.target instanceof Element ? event.target.closest<HTMLElement>('[data-card]')?.dataset.card : undefined;
    if (id === undefined) return;
    stop.set(id);
    const group = scene.groups.find((it) => it.id === id);
    if (group && !selection.get().has(id)) selection.set(new Set([id, ...group.steps]));
  };
  const lastCursor = useRef(0);
  const onPointerMove = (event: PointerEvent) => {
    if (event.timeStamp - lastCursor.current < CURSOR_MS || event.pointerType === 'touch') return;
    lastCursor.current = event.timeStamp;
    on.cursor(flow.screenToFlowPosition({ x: event.clientX, y: event.clientY }, { snapToGrid: false }));
  };
  const clientOf = (event: MouseEvent): Point => ({ x: event.clientX, y: event.clientY });
  const onPane = (event: MouseEvent): boolean =>
    event.target instanceof Element && event.target.classList.contains('react-flow__pane');

  return (
    <EditContext.Provider value={context}>
      <div
        ref={box}
        role="group"
        aria-label={label}
        // The card that Tab reaches may be out of sight and not mounted: then it reaches the canvas.
        tabIndex={0}
        data-canvas
        className="relative size-full focus-visible:-outline-offset-2"
        onPointerDownCapture={pickFrame}
        onPointerMove={onPointerMove}
        onPointerLeave={() => on.cursor(undefined)}
        onFocusCapture={(event) => {
          const id = event.target.dataset.card;
          if (id !== undefined) stop.set(id);
        }}
        onDoubleClick={(event) => {
          const at = flow.screenToFlowPosition(clientOf(event));
          if (onPane(event) && canEdit && !isMany) on.add({ at, client: clientOf(event) });
          const card = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-card]') : null;
          if (card?.dataset.card) on.open(card.dataset.card);
        }}
        onContextMenu={(event) => {
          const card = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-card]') : null;
          event.preventDefault();
          const id = card?.dataset.card;
          if (id !== undefined && !selection.get().has(id)) selection.set(new Set([id]));
          on.menu(id, clientOf(event), flow.screenToFlowPosition(clientOf(event)));
        }}
        onDragOver={(event) => {
          if (!canEdit || !event.dataTransfer.types.includes(COMPONENT_TYPE)) return;
          event.preventDefault();
          event.dataTransfer.dropEffect = 'copy';
          const at = flow.screenToFlowPosition(clientOf(event), { snapToGrid: false });
          const wire = wireAt(graph, at, WIRE_REACH);
          drop.set(wire === undefined ? undefined : { wire });
        }}
        onDragLeave={() => drop.set(undefined)}
        onDrop={(event) => {
          const component = event.dataTransfer.getData(COMPONENT_TYPE);
          const wire = drop.get()?.wire;
          drop.set(undefined);
          if (component === '') return;
          event.preventDefault();
          on.dropped(component, flow.screenToFlowPosition(clientOf(event), { snapToGrid: false }), wire);
        }}
      >
        <ReactFlow<FlowNode, WireEdge>
          aria-label={label}
          nodes={isMany ? NONE : nodes}
          edges={isMany ? NONE : edges}
          nodeTypes={NODE_TYPES}
          edgeTypes={EDGE_TYPES}
          onNodesChange={onNodesChange}
          onEdgesChange={onEdgesChange}
          onNodeDrag={onNodeDrag}
          onNodeDragStop={onNodeDragStop}
          onPaneClick={(event) => overview.onPaneClick(clientOf(event))}
          {...(canEdit ? connecting.props : undefined)}
          connectionLineComponent={WirePreview}
          connectionRadius={24}
          onlyRenderVisibleElements
          nodesDraggable={canEdit}
          nodesConnectable={canEdit}
          edgesReconnectable={canEdit}
          nodesFocusable={false}
          edgesFocusable={false}
          elevateNodesOnSelect={false}
          zIndexMode="manual"
          disableKeyboardA11y
          deleteKeyCode={null}
          selectionKeyCode={null}
          multiSelectionKeyCode="Shift"
          selectionOnDrag={!isTouch}
          selectionMode={SelectionMode.Partial}
          panOnDrag={isTouch ? true : [1]}
          panOnScroll
          zoomActivationKeyCode={['Meta', 'Control']}
          zoomOnDoubleClick={false}
          snapToGrid
          snapGrid={SNAP}
          nodeDragThreshold={3}
          paneClickDistance={3}
          minZoom={0.05}
          maxZoom={2}
          ariaLabelConfig={NO_ARIA}
          proOptions={{ hideAttribution: true }}
        >
          <Background variant={BackgroundVariant.Dots} gap={GRID} size={1} color="var(--line)" />
          <PeersLayer peers={peers} scene={scene} />
        </ReactFlow>
        {isMany && <OverviewCanvas scene={scene} lights={lights} selection={selected} />}
        <div className="absolute right-2 bottom-2 flex flex-col items-end gap-2">
          {graph.cards.length >= MAPPED_CARDS && <Minimap scene={scene} lights={lights} />}
          <CanvasControls scene={scene} />
        </div>
        {children}
      </div>
    </EditContext.Provider>
  );
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The wire that a step which is not connected yet would go into if it were dropped here. */
function dropOn(scene: Scene, node: FlowNode, connections: Connections): Drop {
  if (node.type !== 'card') return undefined;
  const { card } = node.data;
  if (card.kind === 'trigger' || card.inputs.length === 0 || card.outputs.length === 0) return undefined;
  if (scene.graph.wires.some((wire) => wire.from.step === card.id || wire.to.step === card.id)) return undefined;
  const middle = { x: node.position.x + card.width / 2, y: node.position.y + card.height / 2 };
  const id = wireAt(scene.graph, middle, WIRE_REACH);
  const wire = scene.graph.wires.find((it) => it.id === id);
  const input = card.inputs[0];
  if (!wire || input === undefined) return undefined;
  // Its input may be refused; its output goes where the wire went, which is allowed already.
  return connections.refusal(wire.from, { step: card.id, port: input }) === undefined ? { wire: wire.id } : undefined;
}

/** The whole picture when it is readable then, else its beginning; once, when the room is known. */
function useFirstView(scene: Scene): void {
  const flow = useReactFlow();
  const width = useStore((state) => state.width);
  const height = useStore((state) => state.height);
  const isDone = useRef(false);
  useEffect(() => {
    if (isDone.current || width === 0 || scene.graph.cards.length === 0) return;
    isDone.current = true;
    const all = [...framesOf(scene).values(), ...scene.notes, ...scene.graph.cards];
    void flow.setViewport(viewportOf(all, { width, height }, scene.graph.cards[0], READABLE_ZOOM));
  }, [flow, scene, width, height]);
}

/** What goes out of sight is taken from the page; the focus it had stays on the canvas and does not fall to the body. */
function useParkedFocus(box: React.RefObject<HTMLDivElement | null>): void {
  useEffect(() => {
    const canvas = box.current;
    if (!canvas) return;
    let hadFocus = false;
    const note = (event: FocusEvent) => {
      hadFocus = event.target instanceof Node && canvas.contains(event.target);
    };
    const leave = (event: globalThis.FocusEvent) => {
      // Somebody who goes on takes the focus along; a card that is taken away does not. On the way the body has it.
      if (event.relatedTarget instanceof Node) hadFocus = false;
    };
    const watch = new MutationObserver(() => {
      if (hadFocus && (document.activeElement === document.body || document.activeElement === null)) {
        canvas.focus({ preventScroll: true });
      }
    });
    watch.observe(canvas, { childList: true, subtree: true });
    document.addEventListener('focusin', note);
    canvas.addEventListener('focusout', leave);
    return () => {
      watch.disconnect();
      document.removeEventListener('focusin', note);
      canvas.removeEventListener('focusout', leave);
    };
  }, [box]);
}
