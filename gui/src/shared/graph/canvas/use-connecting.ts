//! Drawing wires: by drag or by two clicks, from either end, and taking an end of a wire elsewhere.
import type { Connection, FinalConnectionState, Handle, OnConnectStartParams, ReactFlowProps } from '@xyflow/react';
import { useReactFlow, useStore } from '@xyflow/react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Connections, type Refusal } from '../connect';
import { KeyedStore } from '../keyed-store';
import { CARD_HEIGHT, CARD_WIDTH, type Card, type Point, type WireEnd } from '../model';
import type { Scene } from '../scene';
import type { CanvasEvents } from './edit-context';
import type { FlowNode, WireEdge } from './flow-nodes';

type Props = Pick<
  ReactFlowProps<FlowNode, WireEdge>,
  | 'isValidConnection'
  | 'onConnect'
  | 'onConnectStart'
  | 'onConnectEnd'
  | 'onClickConnectStart'
  | 'onClickConnectEnd'
  | 'onReconnect'
  | 'onReconnectStart'
  | 'onReconnectEnd'
>;

const endOf = (step: string, port: string | null | undefined): WireEnd => ({ step, port: port ?? '' });

const ends = (of: Connection | WireEdge): { from: WireEnd; to: WireEnd } => ({
  from: endOf(of.source, of.sourceHandle),
  to: endOf(of.target, of.targetHandle),
});

const clientOf = (event: MouseEvent | TouchEvent): Point => {
  const at = 'changedTouches' in event ? event.changedTouches[0] : event;
  return { x: at?.clientX ?? 0, y: at?.clientY ?? 0 };
};

const NOBODY: ReadonlyMap<string, boolean> = new Map();

export function useConnecting(scene: Scene, connections: { readonly get: () => Connections }, on: CanvasEvents) {
  const flow = useReactFlow();
  const [refusing] = useState(() => new KeyedStore<boolean>());
  const taken = useRef<WireEdge>(undefined);
  const started = useRef<OnConnectStartParams>(undefined);
  // A wire that was begun by a click may be given up in many ways; what it dimmed is lit again after each.
  const isBegun = useStore((state) => state.connectionClickStartHandle !== null || state.connection.inProgress);
  useEffect(() => {
    if (!isBegun) refusing.set(NOBODY);
  }, [isBegun, refusing]);
  const props = useMemo((): Props => {
    const rules = () => (taken.current ? new Connections(scene.graph, taken.current.id) : connections.get());
    const begin = (params: OnConnectStartParams) => {
      started.current = params;
      if (params.nodeId === null) return;
      const end = endOf(params.nodeId, params.handleId);
      const may = new Set(
        (params.handleType === 'source' ? rules().targets(end) : rules().sources(end)).map((it) => it.step),
      );
      may.add(params.nodeId);
      refusing.set(new Map(scene.graph.cards.filter((card) => !may.has(card.id)).map((card) => [card.id, true])));
    };
    const stop = () => refusing.set(NOBODY);
    /** Dropped on a card and not on a port: the first port that may be connected; else why none may. */
    const onCard = (from: Handle, card: Card): { to: WireEnd } | { why: Refusal } => {
      const end = endOf(from.nodeId, from.id);
      const isForward = from.type === 'source';
      const ports = isForward ? card.inputs : card.outputs;
      let why: Refusal = isForward && card.kind === 'trigger' ? 'trigger-input' : 'no-port';
      for (const port of ports) {
        const other = { step: card.id, port };
        const refusal = isForward ? rules().refusal(end, other) : rules().refusal(other, end);
        if (refusal === undefined) return { to: other };
        why = refusal;
      }
      return { why };
    };
    const end = (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
      stop();
      const from = state.fromHandle;
      if (!from || state.isValid) return;
      const loose = endOf(from.nodeId, from.id);
      const isForward = from.type === 'source';
      if (state.toHandle) {
        const other = endOf(state.toHandle.nodeId, state.toHandle.id);
        // Two outputs or two inputs: neither end can be the other's.
        const why =
          state.toHandle.type === from.type
            ? 'no-port'
            : isForward
              ? rules().refusal(loose, other)
              : rules().refusal(other, loose);
        // Let go on the port that it began on: nothing was meant.
        if (why && !(state.toHandle.nodeId === from.nodeId && state.toHandle.id === from.id)) on.refused(why);
        return;
      }
      const client = clientOf(event);
      const under = document.elementFromPoint(client.x, client.y);
      const id = under?.closest<HTMLElement>('.react-flow__node')?.dataset.id;
      const card = scene.graph.cards.find((it) => it.id === id);
      if (card && card.id !== from.nodeId) {
        const found = onCard(from, card);
        if ('why' in found) on.refused(found.why);
        else if (isForward) on.connect(loose, found.to, taken.current?.id);
        else on.connect(found.to, loose, taken.current?.id);
        return;
      }
      if (taken.current || card || !under?.closest('.react-flow__pane')) return;
      // What is added has its port where the wire was let go.
      const { x, y } = flow.screenToFlowPosition(client);
      const at = { x: isForward ? x : x - CARD_WIDTH, y: y - CARD_HEIGHT / 2 };
      on.add({ at, client, loose: { end: loose, side: isForward ? 'out' : 'in' } });
    };
    return {
      isValidConnection: (connection) => {
        const { from, to } = ends(connection as Connection);
        return rules().refusal(from, to) === undefined;
      },
      onConnect: (connection) => {
        const { from, to } = ends(connection);
        on.connect(from, to);
      },
      onConnectStart: (_, params) => begin(params),
      onConnectEnd: end,
      onClickConnectStart: (_, params) => begin(params),
      onClickConnectEnd: (event) => {
        stop();
        const handle =
          event.target instanceof Element ? event.target.closest<HTMLElement>('.react-flow__handle') : null;
        const { nodeId, handleId } = started.current ?? {};
        const from = started.current;
        if (!handle || !from || nodeId === null || nodeId === undefined) return;
        const other = endOf(handle.dataset.nodeid ?? '', handle.dataset.handleid);
        const own = endOf(nodeId, handleId);
        if (other.step === own.step && other.port === own.port) return;
        const isSource = handle.classList.contains('source');
        const why =
          isSource === (from.handleType === 'source')
            ? 'no-port'
            : isSource
              ? rules().refusal(other, own)
              : rules().refusal(own, other);
        // What was allowed has been drawn by now and would be refused as drawn twice.
        if (why && why !== 'same-wire') on.refused(why);
      },
      onReconnectStart: (_, edge) => {
        taken.current = edge;
      },
      onReconnect: (edge, connection) => {
        const [old, now] = [ends(edge), ends(connection)];
        if (JSON.stringify(old) !== JSON.stringify(now)) on.connect(now.from, now.to, edge.id);
      },
      onReconnectEnd: () => {
        taken.current = undefined;
        stop();
      },
    };
  }, [scene, connections, on, flow, refusing]);
  return { props, refusing };
}
