//! Where the node is. The page's own origin, unless it is hosted elsewhere and was opened with `?node=https://…`: then that node, in this tab,
//! and in tabs that are opened later once somebody was signed in there.

const KEY = 'flowork.node';

function read(): string {
  // Outside a browser (tests) there is no node to talk to.
  if (typeof location === 'undefined') return 'http://node.invalid';
  const asked = new URLSearchParams(location.search).get('node');
  if (asked !== null) {
    try {
      const url = new URL(asked);
      if (url.protocol === 'https:' || url.protocol === 'http:') sessionStorage.setItem(KEY, url.origin);
    } catch {
      // Not an address: the page's own origin counts, and its screens say what does not answer.
    }
  }
  return sessionStorage.getItem(KEY) ?? remembered() ?? location.origin;
}

function remembered(): string | undefined {
  try {
    return localStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the node for new tabs. Called when somebody is signed in: an address that never let anybody in is not kept. */
export function rememberNode(): void {
  try {
    if (nodeAddress() === location.origin) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, nodeAddress());
  } catch {
    // New tabs are asked for it again.
  }
}

let address: string | undefined;

/** The node's origin, without a slash at the end. */
export function nodeAddress(): string {
  address ??= read();
  return address;
}
