//! Fields of data on their way into forms and editors, as what a drag carries.
import type { DataPath } from './paths';

export const FIELD_TYPE = 'application/x-flowork-field';

export type DraggedField = {
  readonly path: DataPath;
  /** The step that gave it, when it is not the one right before. */
  readonly step?: string | undefined;
};

/** Puts a field on a drag. Other programs get its code as text. */
export function carryField(transfer: DataTransfer, field: DraggedField, text: string): void {
  transfer.setData(FIELD_TYPE, JSON.stringify(field));
  transfer.setData('text/plain', text);
  transfer.effectAllowed = 'copy';
}

/** Whether a drag carries a field. What it carries can be read only when it falls. */
export const carriesField = (transfer: DataTransfer | null): boolean => transfer?.types.includes(FIELD_TYPE) ?? false;

export function draggedField(transfer: DataTransfer | null): DraggedField | undefined {
  const text = transfer?.getData(FIELD_TYPE);
  if (!text) return undefined;
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read !== 'object' || read === null || !('path' in read) || !Array.isArray(read.path)) return undefined;
    const path = read.path.filter((key): key is string | number => typeof key === 'string' || typeof key === 'number');
    const step = 'step' in read && typeof read.step === 'string' ? read.step : undefined;
    return { path, step };
  } catch {
    return undefined;
  }
}
