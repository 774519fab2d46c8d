//! What an editor of a preset's document promises. `editor.ts` keeps it over automerge-repo; nothing here knows how.
import type { Preset } from '../api/types';
import type { PlainKey } from '../i18n/messages';
import type { TextChange } from './text-change';

/** The document as Automerge holds it: maps by id, prose as text. node/documents/src/form.rs is the other half. */
export type PresetDoc = {
  flowork: string;
  name: string;
  title: string;
  docs: string;
  steps: Record<string, StepDoc>;
  triggers: Record<string, TriggerDoc>;
  wires: Record<string, WireDoc>;
  variables: Record<string, VariableDoc>;
  /** Sticky notes on the canvas. */
  notes?: Record<string, NoteDoc>;
  /** Frames around steps. */
  groups?: Record<string, GroupDoc>;
  settings: Record<string, unknown>;
};
/** Deleted in a way that an undo brings back with what others did to it meanwhile. */
export type Removable = { removed?: boolean };
export type Place = { x: number; y: number };
export type CardDoc = Removable & {
  component: string;
  name?: string;
  /** Replaced whole, never key by key: two people's moves must not mix. */
  position?: Place;
  config: Record<string, unknown>;
  disabled?: boolean;
  note?: string;
};
export type TriggerDoc = CardDoc;
export type StepDoc = CardDoc & {
  version?: number;
  retry?: Record<string, number>;
  timeout_ms?: number;
  on_error?: string;
  on_crash?: string;
  /** Output to give instead of running: per port one JSON text of a list of items. */
  pin?: Record<string, string>;
  secrets?: Record<string, boolean>;
};
export type WireDoc = Removable & { from_step: string; from_port: string; to_step: string; to_port: string };
export type VariableDoc = Removable & { value: unknown; docs: string };
export type NoteDoc = Removable & { text: string; position: Place; width: number; height: number; colour?: string };
export type GroupDoc = Removable & { title: string; steps: Record<string, boolean>; colour?: string };

/** A place in the document: `['steps', 'fetch', 'config', 'url']`. */
export type DocPlace = readonly (string | number)[];

/** One edit: changes the document and nothing else. Runs once, inside one Automerge change. */
export type Edit = (doc: PresetDoc) => void;

/** The form that the API gives, with what is only drawn. Parts that no edit touched keep their identity from snapshot to snapshot. */
export type DrawnPreset = Omit<Preset, 'notes' | 'groups'> & {
  notes?: Record<string, DrawnNote>;
  groups?: Record<string, DrawnGroup>;
};
export type DrawnNote = {
  readonly text: string;
  readonly position: Readonly<Place>;
  readonly width: number;
  readonly height: number;
  readonly colour?: string;
};
/** The list is the API's; nobody changes it. */
export type DrawnGroup = { readonly title: string; readonly steps: string[]; readonly colour?: string };
export type Snapshot = { readonly preset: DrawnPreset; readonly heads: readonly string[] };

/**
 * How the document stands to the node. `live`: the node has our heads, said by the node. `saving`: it has not yet. `offline`: no
 * connection, kept in this browser. `read-only`: this session may not edit. `signed-out`: kept here until somebody signs in again.
 * `gone`: there is no such document any more.
 */
export type SyncState = 'opening' | 'live' | 'saving' | 'offline' | 'read-only' | 'signed-out' | 'gone';

/** Somebody else who looks at the document, or another tab of the same person. `name` comes from the node, never from them. */
export type Peer = {
  readonly id: string;
  readonly name: string;
  readonly colour: string;
  readonly selection: readonly string[];
  /** The field in which they write. */
  readonly field?: DocPlace;
  readonly cursor?: Readonly<Place>;
  /** What they are dragging, with where to. */
  readonly drag?: Readonly<Record<string, Readonly<Place>>>;
};
export type OwnPresence = Pick<Peer, 'selection' | 'field' | 'cursor' | 'drag'>;

/** What undo or redo did. `kept`: places that somebody else has changed since, which it left alone. */
export type Undone = { readonly done: boolean; readonly label?: PlainKey; readonly kept: readonly DocPlace[] };

export interface PresetEditor {
  readonly id: string;
  /** The present; the same object until something changes. For `useSyncExternalStore`. */
  snapshot(): Snapshot;
  subscribe(listener: () => void): () => void;
  sync(): SyncState;
  canEdit(): boolean;
  /** Whether this browser holds edits that the node has not got. */
  hasUnsent(): boolean;
  /** Drops what this browser keeps of the document, once there is none any more. */
  forget(): void;
  /** Whether this browser keeps what the node has not got; false where it has no storage or no room: then a closed tab loses it. */
  isKept(): boolean;
  /**
   * Carries an edit out as one change and one step of undo. Nothing happens when `canEdit` is false. Edits in a row with the same `merge`
   * (typing in one field) within a second are one step of undo.
   */
  apply(label: PlainKey, edit: Edit, merge?: string): void;
  undo(evenOverOthers?: boolean): Undone;
  redo(): Undone;
  canUndo(): boolean;
  canRedo(): boolean;
  /** The values that people chose for one place at the same time, the winning one first; one or none when all agree. */
  conflicts(place: DocPlace): readonly unknown[];
  /** Resolves when the node has everything that was edited before the call; rejects after `timeoutMs`. */
  saved(timeoutMs?: number): Promise<readonly string[]>;
  /** How the document read at `heads`, which it must hold. */
  at(heads: readonly string[]): DrawnPreset;
  /** The text at a place; empty when there is none. */
  text(place: DocPlace): string;
  /** Hears every change of the text at a place, as one change from the text before to the text after, own edits included. */
  onText(place: DocPlace, listener: (change: TextChange, isOwn: boolean) => void): () => void;
  peers(): readonly Peer[];
  present(own: OwnPresence): void;
  close(): void;
}
