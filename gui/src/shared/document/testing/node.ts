//! For tests: what a node is to this page, over a real WebSocket.
import { type PeerId, Repo } from '@automerge/automerge-repo/slim';
import { WebSocketServerAdapter } from '@automerge/automerge-repo-network-websocket';
import { type RawData, type WebSocket as Socket, WebSocketServer } from 'ws';
import { NodeAdapter, NotSignedIn } from '../adapter';
import { openEditor } from '../editor';
import type { HandleEditor } from '../handle-editor';
import { wasmFromDisk } from './wasm';

export class TestNode {
  #server: WebSocketServer | undefined;
  #held: (() => void)[] | undefined;
  #sockets = new Set<Socket>();
  readonly repo = new Repo({ peerId: 'node' as PeerId });
  /** Who may come in, by ticket. */
  readonly tickets = new Set<string>();
  /** Whether the session is known. */
  isSignedIn = true;
  mayEdit = true;
  asked = 0;

  private constructor(readonly port: number) {}

  static async start(port: number): Promise<TestNode> {
    await wasmFromDisk();
    const node = new TestNode(port);
    await node.up();
    return node;
  }

  async up(): Promise<void> {
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: this.port,
      verifyClient: ({ req }: { req: { url?: string } }) =>
        this.tickets.delete(new URL(req.url ?? '', 'ws://node').searchParams.get('ticket') ?? ''),
    });
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      const send = socket.send.bind(socket) as (data: RawData) => void;
      socket.send = (data: RawData) => {
        if (this.#held) this.#held.push(() => send(data));
        else send(data);
      };
    });
    this.repo.networkSubsystem.addNetworkAdapter(new WebSocketServerAdapter(server as never));
    this.#server = server;
    await new Promise((resolve) => server.once('listening', resolve));
  }

  /** Goes away without a word. */
  async down(): Promise<void> {
    const server = this.#server;
    this.kick(1006);
    await new Promise((resolve) => server?.close(resolve));
  }

  kick(code: number): void {
    for (const socket of this.#sockets) {
      if (code === 1006) socket.terminate();
      else socket.close(code);
    }
    this.#sockets.clear();
  }

  /** Keeps everything that the node says back until it is let go. */
  hold(): void {
    this.#held = [];
  }
  letGo(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const send of held) send();
  }

  /** A tab that looks at one document. */
  tab(id: string, clock?: () => number) {
    const hopes = new Set<() => void>();
    const doubts = new Set<() => void>();
    const sessions = new Set<() => void>();
    const on = (listeners: Set<() => void>) => (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    const way = new NodeAdapter({
      address: async () => {
        this.asked += 1;
        if (!this.isSignedIn) throw new NotSignedIn();
        const ticket = `t${Math.random()}`;
        this.tickets.add(ticket);
        return `ws://127.0.0.1:${this.port}/sync?ticket=${ticket}`;
      },
      socket: (address) => new WebSocketOfWs(address),
      onHope: on(hopes),
      onDoubt: on(doubts),
      onSession: on(sessions),
      random: () => 0,
    });
    const repo = new Repo({ network: [way] });
    const who = async () =>
      this.repo.peers.map((peer_id) => ({ peer_id, name: `${peer_id} by name`, may_edit: this.mayEdit }));
    const editor = openEditor(id, { documents: { repo, way }, who, ...(clock ? { clock } : {}) }) as HandleEditor;
    const tell = (listeners: Set<() => void>) => () => {
      for (const listener of listeners) listener();
    };
    return { editor, repo, way, hope: tell(hopes), doubt: tell(doubts), session: tell(sessions) };
  }
}

import { WebSocket as WsSocket } from 'ws';

/** The browser's class as `ws` has it. */
const WebSocketOfWs = WsSocket as unknown as new (address: string) => WebSocket;

/** Waits until something holds. */
export async function until(holds: () => boolean, ms = 3_000): Promise<void> {
  const end = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`it did not come to hold: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
