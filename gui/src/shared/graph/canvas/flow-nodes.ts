//! Cards, notes and frames as xyflow wants them. Sizes and ports are given, so that what is out of sight is never mounted to be
//! measured; what did not change stays the same object, so that nothing is drawn again for it.
import { type Edge, type Node, type NodeHandle, Position } from '@xyflow/react';
import { type Card, type Graph, type Point, portOffset, type Rect, type Wire } from '../model';
import { framesOf, type Group, type Note, type Scene } from '../scene';

export type CardNode = Node<{ card: Card }, 'card'>;
export type NoteNode = Node<{ note: Note }, 'note'>;
export type GroupNode = Node<{ group: Group }, 'group'>;
export type FlowNode = CardNode | NoteNode | GroupNode;
export type WireEdge = Edge<{ wire: Wire }, 'wire'>;

const HANDLE = 10;

export const handlesOf = (card: Card): NodeHandle[] =>
  (['in', 'out'] as const).flatMap((side) =>
    (side === 'in' ? card.inputs : card.outputs).map((port) => {
      const { x, y } = portOffset(card, side, port);
      return {
        id: port,
        type: side === 'in' ? ('target' as const) : ('source' as const),
        position: side === 'in' ? Position.Left : Position.Right,
        x: x - HANDLE / 2,
        y: y - HANDLE / 2,
        width: HANDLE,
        height: HANDLE,
      };
    }),
  );

type Made = { readonly of: unknown; readonly node: FlowNode };

/** What stands behind, between and before: frames, cards, notes that were put on top of cards. */
const LAYER = { group: -2, note: -1, card: 0 } as const;

export class NodeBook {
  private made = new Map<string, Made>();

  /** All nodes of a scene, with places of a drag that goes on. */
  nodes(scene: Scene, selection: ReadonlySet<string>, moved: ReadonlyMap<string, Point>, taps: boolean): FlowNode[] {
    const next = new Map<string, Made>();
    const nodes: FlowNode[] = [];
    const add = <T extends FlowNode>(of: unknown, rect: Rect, fresh: (base: Base) => T, id: string) => {
      const place = moved.get(id) ?? rect;
      const selected = selection.has(id);
      // On a touch screen one finger pans; only what is selected is dragged.
      const draggable = !taps || selected;
      const old = this.made.get(id);
      const { node } = old ?? {};
      const isSame =
        old?.of === of &&
        node?.position.x === place.x &&
        node.position.y === place.y &&
        node.width === rect.width &&
        node.height === rect.height &&
        node.selected === selected &&
        node.draggable === draggable;
      const made =
        isSame && old
          ? old
          : {
              of,
              node: fresh({
                id,
                position: { x: place.x, y: place.y },
                width: rect.width,
                height: rect.height,
                selected,
                draggable,
              }),
            };
      next.set(id, made);
      nodes.push(made.node);
    };
    const frames = framesOf(scene, moved);
    for (const group of scene.groups) {
      const frame = frames.get(group.id);
      if (frame) add(group, frame, (base) => groupNode(base, group), group.id);
    }
    for (const note of scene.notes) add(note, note, (base) => noteNode(base, note), note.id);
    for (const card of scene.graph.cards) add(card, card, (base) => cardNode(base, card), card.id);
    this.made = next;
    return nodes;
  }
}

type Base = Pick<FlowNode, 'id' | 'position' | 'width' | 'height' | 'selected' | 'draggable'>;

const PLAIN = { 'aria-roledescription': undefined };

const cardNode = (base: Base, card: Card): CardNode => ({
  ...base,
  type: 'card',
  data: { card },
  zIndex: LAYER.card,
  handles: handlesOf(card),
  domAttributes: PLAIN,
});

const noteNode = (base: Base, note: Note): NoteNode => ({
  ...base,
  type: 'note',
  data: { note },
  zIndex: LAYER.note,
  handles: [],
  domAttributes: PLAIN,
});

const groupNode = (base: Base, group: Group): GroupNode => ({
  ...base,
  type: 'group',
  data: { group },
  zIndex: LAYER.group,
  handles: [],
  // Only the title takes the pointer: a box may be drawn inside of a frame.
  style: { pointerEvents: 'none' },
  domAttributes: PLAIN,
});

export class EdgeBook {
  private made = new Map<string, { readonly wire: Wire; readonly edge: WireEdge }>();

  edges(graph: Graph, selection: ReadonlySet<string>): WireEdge[] {
    const next = new Map<string, { wire: Wire; edge: WireEdge }>();
    const edges = graph.wires.map((wire) => {
      const old = this.made.get(wire.id);
      const selected = selection.has(wire.id);
      const made =
        old?.wire === wire && old.edge.selected === selected
          ? old
          : {
              wire,
              edge: {
                id: wire.id,
                type: 'wire' as const,
                source: wire.from.step,
                sourceHandle: wire.from.port,
                target: wire.to.step,
                targetHandle: wire.to.port,
                focusable: false,
                selected,
                // An end is taken elsewhere once the wire is selected; before that a port begins a new one.
                reconnectable: selected,
                data: { wire },
                // The list of steps tells the wires in words; hundreds of pictures would only be in the way.
                ariaLabel: undefined,
                ariaRole: 'presentation' as const,
                domAttributes: { 'aria-hidden': true, 'aria-roledescription': undefined },
              },
            };
      next.set(wire.id, made);
      return made.edge;
    });
    this.made = next;
    return edges;
  }
}
