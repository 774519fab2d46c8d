//! Automerge's wasm, loaded when the first document opens and not before: 1.1 MB that the first screen does not pay for.
import { initializeWasm, isWasmInitialized } from '@automerge/automerge/slim';

let loading: Promise<void> | undefined;

/** Loads Automerge once. A load that failed is tried again by the next call. */
export function loadAutomerge(): Promise<void> {
  if (isWasmInitialized()) return Promise.resolve();
  loading ??= load().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<void> {
  const { default: url } = await import('@automerge/automerge/automerge.wasm?url');
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  // An answer is compiled while it arrives; the types know of fewer forms than the code takes.
  await initializeWasm(answer as unknown as Request);
}
