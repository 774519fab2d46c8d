import { useStore, ViewportPortal } from '@xyflow/react';
import { useSyncExternalStore } from 'react';
import type { Peer } from '../../document/types';
import { rectsOf, type Scene } from '../scene';

export type PeersSource = {
  readonly subscribe: (listener: () => void) => () => void;
  readonly get: () => readonly Peer[];
};

/** What others select, drag and point at, in their colours. Only this layer is drawn again when they move. */
export function PeersLayer({ peers, scene }: { readonly peers: PeersSource; readonly scene: Scene }) {
  const all = useSyncExternalStore(peers.subscribe, peers.get);
  if (all.length === 0) return null;
  return <Drawn peers={all} scene={scene} />;
}

function Drawn({ peers, scene }: { readonly peers: readonly Peer[]; readonly scene: Scene }) {
  const zoom = useStore((state) => state.transform[2]);
  const rects = rectsOf(scene);
  return (
    <ViewportPortal>
      {peers.map((peer) => (
        <div key={peer.id} aria-hidden className="pointer-events-none">
          {peer.selection.map((id) => {
            const rect = rects.get(id);
            if (!rect) return null;
            return (
              <div
                key={id}
                className="absolute rounded-card"
                style={{
                  left: rect.x - 4,
                  top: rect.y - 4,
                  width: rect.width + 8,
                  height: rect.height + 8,
                  boxShadow: `0 0 0 2px ${peer.colour}`,
                }}
              />
            );
          })}
          {Object.entries(peer.drag ?? {}).map(([id, place]) => {
            const rect = rects.get(id);
            if (!rect) return null;
            return (
              <div
                key={`drag ${id}`}
                className="absolute rounded-card border-2 border-dashed opacity-70"
                style={{
                  left: place.x,
                  top: place.y,
                  width: rect.width,
                  height: rect.height,
                  borderColor: peer.colour,
                }}
              />
            );
          })}
          {peer.cursor && (
            <div
              className="absolute origin-top-left"
              style={{ left: peer.cursor.x, top: peer.cursor.y, transform: `scale(${1 / zoom})` }}
            >
              <svg aria-hidden width="16" height="18" viewBox="0 0 16 18">
                <path d="M1 1v14l4-4 3 6 2-1-3-6h6z" fill={peer.colour} stroke="var(--surface)" />
              </svg>
              <span
                className="absolute top-4 left-3 rounded-control px-1.5 text-meta whitespace-nowrap text-[#fff]"
                style={{ background: peer.colour }}
              >
                {peer.name}
              </span>
            </div>
          )}
        </div>
      ))}
    </ViewportPortal>
  );
}
