//! One document under one editor: the present as a preset, edits, undo and redo. It knows nothing of nodes and networks.
import { getConflicts, getHeads, type Heads, hasHeads, type Patch, view } from '@automerge/automerge/slim';
import type { DocHandle, DocHandleChangePayload } from '@automerge/automerge-repo/slim';
import type { PlainKey } from '../i18n/messages';
import { ensureParts } from './parts';
import { PresetReader, readPreset } from './read';
import type { TextChange } from './text-change';
import type { DocPlace, DrawnPreset, Edit, PresetDoc, Snapshot, Undone } from './types';
import { History, type Outcome, type Step, sorted, takeBack } from './undo';
import { placeKey, plain, valueAt } from './values';

type Happened = { readonly patches: readonly Patch[]; readonly before: PresetDoc; readonly after: PresetDoc };
export type TextListener = (change: TextChange, isOwn: boolean) => void;

/** How many earlier readings are kept. */
const EARLIER_MAX = 4;

export class SharedDoc {
  readonly #handle: DocHandle<PresetDoc>;
  readonly #clock: () => number;
  readonly #reader = new PresetReader();
  readonly #history = new History();
  readonly #changed: () => void;
  readonly #texts = new Map<string, Set<TextListener>>();
  readonly #earlier = new Map<string, DrawnPreset>();
  #snapshot: Snapshot | undefined;
  /** What the change that is being made by this editor did, as it is told by the handle. */
  #own: Happened[] | undefined;

  /** `changed` is called after each change of the document, own ones included. */
  constructor(handle: DocHandle<PresetDoc>, changed: () => void, clock: () => number) {
    this.#handle = handle;
    this.#clock = clock;
    this.#changed = changed;
    handle.on('heads-changed', this.#onHeads);
    handle.on('change', this.#onChange);
  }

  close(): void {
    this.#handle.off('heads-changed', this.#onHeads);
    this.#handle.off('change', this.#onChange);
  }

  readonly #onHeads = (): void => {
    this.#snapshot = undefined;
    // A change that alters nothing readable comes without a `change`, and still has new heads.
    queueMicrotask(() => {
      if (!this.#snapshot) this.#changed();
    });
  };

  readonly #onChange = ({ patches, patchInfo }: DocHandleChangePayload<PresetDoc>): void => {
    this.#snapshot = undefined;
    const happened = { patches, before: patchInfo.before, after: patchInfo.after };
    const isOwn = this.#own !== undefined;
    if (this.#own) this.#own.push(happened);
    else this.#history.others(patches, happened.before, happened.after);
    if (this.#texts.size > 0) this.#tellTexts(happened, isOwn);
    if (!isOwn) this.#changed();
  };

  #tellTexts({ patches, before, after }: Happened, isOwn: boolean): void {
    const { texts, values } = sorted(patches, before, after);
    for (const [key, { change }] of texts) for (const listener of this.#texts.get(key) ?? []) listener(change, isOwn);
    for (const [key, listeners] of this.#texts) {
      const place: DocPlace = JSON.parse(key);
      const isReplaced = place.some((_, index) => values.has(placeKey(place.slice(0, index + 1))));
      if (!isReplaced) continue;
      const [old, now] = [this.#textIn(before, place), this.#textIn(after, place)];
      if (old !== now) for (const listener of listeners) listener([now, -old.length], isOwn);
    }
  }

  #textIn(doc: PresetDoc, place: DocPlace): string {
    const text = plain(valueAt(doc, place));
    return typeof text === 'string' ? text : '';
  }

  doc(): PresetDoc {
    return this.#handle.doc();
  }
  heads(): Heads {
    return getHeads(this.#handle.doc());
  }

  snapshot(): Snapshot {
    if (!this.#snapshot) {
      const doc = this.#handle.doc();
      this.#snapshot = { preset: this.#reader.read(doc), heads: getHeads(doc) };
    }
    return this.#snapshot;
  }

  at(heads: Heads): DrawnPreset {
    const doc = this.#handle.doc();
    if (!hasHeads(doc, heads)) throw new Error('this copy of the document does not hold that version');
    const key = heads.join();
    const known = this.#earlier.get(key) ?? readPreset(view(doc, heads));
    // The newest stays longest; reading a large document as it was takes a fifth of a second.
    this.#earlier.delete(key);
    this.#earlier.set(key, known);
    for (const oldest of this.#earlier.keys()) {
      if (this.#earlier.size <= EARLIER_MAX) break;
      this.#earlier.delete(oldest);
    }
    return known;
  }

  text(place: DocPlace): string {
    return this.#textIn(this.#handle.doc(), place);
  }

  onText(place: DocPlace, listener: TextListener): () => void {
    const key = placeKey(place);
    const listeners = this.#texts.get(key) ?? new Set();
    this.#texts.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#texts.delete(key);
    };
  }

  conflicts(place: DocPlace): unknown[] {
    const holder = valueAt(this.#handle.doc(), place.slice(0, -1));
    const key = place.at(-1);
    if (key === undefined || typeof holder !== 'object' || holder === null) return [];
    const all = Object.values(getConflicts(holder as Record<string, unknown>, key) ?? {}).map(plain);
    const won = plain(valueAt(this.#handle.doc(), place));
    const others = all.filter((value) => JSON.stringify(value) !== JSON.stringify(won));
    return all.length === 0 ? [] : [won, ...others];
  }

  apply(label: PlainKey, edit: Edit, merge?: string): void {
    ensureParts(this.#handle);
    const step = { label, ...(merge === undefined ? {} : { merge }), at: this.#clock(), since: this.#clock() };
    for (const it of this.#change(edit)) {
      this.#history.record({ ...step, fields: new Map(), texts: new Map() }, it.patches, it.before, it.after);
    }
    this.#changed();
  }

  get canUndo(): boolean {
    return this.#history.canUndo;
  }
  get canRedo(): boolean {
    return this.#history.canRedo;
  }

  undo(evenOverOthers: boolean): Undone {
    const left = evenOverOthers ? this.#history.leftAlone() : undefined;
    return this.#back(left ? 'kept' : 'undo', left ?? this.#history.next('undo'), evenOverOthers);
  }

  redo(): Undone {
    return this.#back('redo', this.#history.next('redo'), false);
  }

  #back(which: 'undo' | 'redo' | 'kept', step: Step | undefined, isForced: boolean): Undone {
    if (!step) return { done: false, kept: [] };
    let outcome: Outcome | undefined;
    const present = this.#handle.doc();
    const happened = this.#change((doc) => {
      outcome = takeBack(doc, present, step, isForced);
    });
    if (!outcome) return { done: false, kept: [] };
    this.#history.went(which, step, outcome, happened[0]);
    this.#changed();
    const { fields, texts } = outcome.kept;
    const kept = [...fields.values(), ...texts.values()].map((it) => it.place);
    return { done: happened.length > 0, label: step.label, kept };
  }

  /** Makes one change of this editor's own, and says what it did: nothing or one thing. */
  #change(edit: Edit): Happened[] {
    const own: Happened[] = [];
    this.#own = own;
    try {
      this.#handle.change(edit);
    } finally {
      this.#own = undefined;
    }
    return own;
  }
}
