//! A workflow as a file or a text that another node takes.
import type { DrawnPreset } from '@/shared/document/types';

export const wholeText = (preset: DrawnPreset): string => JSON.stringify(preset, undefined, 2);

/** Hands a file to the browser's downloads. */
export function exportFile(preset: DrawnPreset): void {
  const address = URL.createObjectURL(new Blob([wholeText(preset)], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `${preset.name}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
