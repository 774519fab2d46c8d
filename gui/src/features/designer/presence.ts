//! What the others are told of this person: selection, cursor, drag, the field in which they write; at most twenty times a second.
import type { DocPlace, OwnPresence, Place } from '@/shared/document/types';
import type { DesignerModel } from './model';

const EVERY_MS = 50;

export class Presence {
  private field: DocPlace | undefined;
  private cursor: Place | undefined;
  private drag: Record<string, Place> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly model: DesignerModel) {}

  writes(field: DocPlace | undefined): void {
    this.field = field;
    this.soon();
  }

  points(cursor: Place | undefined): void {
    this.cursor = cursor && { x: Math.round(cursor.x), y: Math.round(cursor.y) };
    this.soon();
  }

  drags(places: ReadonlyMap<string, Readonly<Place>> | undefined): void {
    this.drag = places && Object.fromEntries([...places].map(([id, { x, y }]) => [id, { x, y }]));
    this.soon();
  }

  /** Tells the others from now on; the answer ends it. */
  start(): () => void {
    const stop = this.model.selection.subscribe(() => this.soon());
    this.soon();
    return () => {
      stop();
      clearTimeout(this.timer);
    };
  }

  private soon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const own: OwnPresence = {
        selection: [...this.model.selection.get()].slice(0, 100),
        field: this.field,
        cursor: this.cursor,
        drag: this.drag,
      };
      this.model.editor.present(own);
    }, EVERY_MS);
  }
}
