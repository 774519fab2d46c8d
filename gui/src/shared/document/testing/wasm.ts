//! For tests: Automerge's wasm from the disk.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { initializeWasm, isWasmInitialized } from '@automerge/automerge/slim';

export async function wasmFromDisk(): Promise<void> {
  if (isWasmInitialized()) return;
  const at = createRequire(import.meta.url).resolve('@automerge/automerge/automerge.wasm');
  await initializeWasm(new Uint8Array(readFileSync(at)));
}
