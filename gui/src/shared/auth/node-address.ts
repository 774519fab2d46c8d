//! Where the node is. The page's own origin, unless it is hosted elsewhere and was opened with `?node=https://…`.

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
  return sessionStorage.getItem(KEY) ?? location.origin;
}

let address: string | undefined;

/** The node's origin, without a slash at the end. */
export function nodeAddress(): string {
  address ??= read();
  return address;
}
