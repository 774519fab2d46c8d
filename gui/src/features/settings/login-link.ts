//! The address that lets another browser in.

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

export type Link = {
  readonly address: string;
  /** Whether only this very machine can open it. */
  readonly isLoopback: boolean;
  readonly port: string;
};

/** A page that is hosted elsewhere leads to itself and says which node it asks. */
export function loginLink(page: Pick<Location, 'origin' | 'pathname'>, node: string, token: string): Link {
  const { hostname, port, protocol } = new URL(node);
  const base = page.origin === node ? `${node}/` : `${page.origin}/?node=${encodeURIComponent(node)}`;
  return {
    address: `${base}#login=${token}`,
    isLoopback: LOOPBACK.test(hostname),
    port: port || (protocol === 'https:' ? '443' : '80'),
  };
}
