//! For tests: a network of two repos over a message channel.
import type { MessagePort } from 'node:worker_threads';
import { type Message, NetworkAdapter, type PeerId } from '@automerge/automerge-repo/slim';

type Told = { readonly hello?: PeerId; readonly bye?: PeerId; readonly message?: Message };

export class ChannelAdapter extends NetworkAdapter {
  #peer: PeerId | undefined;
  constructor(readonly port: MessagePort) {
    super();
  }
  #isReady = false;
  #ready = (): void => {};
  readonly #readied = new Promise<void>((resolve) => {
    this.#ready = resolve;
  });
  isReady(): boolean {
    return this.#isReady;
  }
  whenReady(): Promise<void> {
    return this.#readied;
  }
  connect(peerId: PeerId): void {
    this.peerId = peerId;
    this.port.on('message', ({ hello, bye, message }: Told) => {
      if (hello && hello !== this.#peer) {
        this.#peer = hello;
        this.port.postMessage({ hello: peerId });
        this.emit('peer-candidate', { peerId: hello, peerMetadata: {} });
        this.#isReady = true;
        this.#ready();
      }
      if (message) this.emit('message', message);
      if (bye && this.#peer === bye) this.#left();
    });
    this.port.postMessage({ hello: peerId });
  }
  send(message: Message): void {
    this.port.postMessage({ message });
  }
  disconnect(): void {
    this.port.postMessage({ bye: this.peerId });
    this.#left();
    this.port.close();
  }
  #left(): void {
    if (this.#peer) this.emit('peer-disconnected', { peerId: this.#peer });
    this.#peer = undefined;
  }
}
