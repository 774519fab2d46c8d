//! What an editing canvas tells and is told. It draws and it hears; what an edit does is the designer's.
import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import type { CardState, LightStore, WireState } from '../card-states';
import type { Refusal } from '../connect';
import type { Places } from '../grid';
import type { KeyedStore, Store } from '../keyed-store';
import type { Point, Rect, WireEnd } from '../model';
import type { ChangeKind } from '../preset-diff';

/** A wire that has one end only: what comes out of a port, or goes into one. */
export type LooseEnd = { readonly end: WireEnd; readonly side: 'out' | 'in' };

/** Where somebody wants to add something: on the pane, on a port, on a wire. `client` is where on the screen. */
export type AddAsk = {
  readonly at: Point;
  readonly client: Point;
  readonly loose?: LooseEnd;
  readonly wire?: string;
};

export type CanvasEvents = {
  /** Things were put elsewhere; told once, when the drag ends. */
  moved(places: Places): void;
  /** A drag goes on. */
  dragging(places: Places | undefined): void;
  cursor(at: Point | undefined): void;
  /** A wire was drawn; `replacing` is the wire whose end was taken elsewhere. */
  connect(from: WireEnd, to: WireEnd, replacing?: string): void;
  refused(why: Refusal): void;
  add(ask: AddAsk): void;
  /** A step was dropped on a wire. */
  inserted(step: string, wire: string, places: Places): void;
  /** A component was dragged here from the palette. */
  dropped(component: string, at: Point, wire: string | undefined): void;
  open(id: string): void;
  /** What the toolbar of a card offers. */
  act(action: CardAction, id: string): void;
  menu(id: string | undefined, client: Point, at: Point): void;
  noteText(id: string, text: string): void;
  noteSize(id: string, size: Pick<Rect, 'width' | 'height'>): void;
  renamed(id: string, name: string): void;
};

export type CardAction = 'run' | 'disable' | 'pin' | 'delete' | 'menu';

/** The wire that a drag would put a step into. */
export type Drop = { readonly wire: string } | undefined;

export type EditContextValue = {
  readonly lights: LightStore;
  /** How many problems a card has. */
  readonly problems: KeyedStore<number>;
  /** How cards and wires differ between two versions, while two are compared. */
  readonly changes: KeyedStore<ChangeKind>;
  /** Cards that the wire which is being drawn cannot reach. */
  readonly refusing: KeyedStore<boolean>;
  readonly drop: Store<Drop>;
  /** The thing whose name or text is being written on the canvas. */
  readonly writing: Store<string | undefined>;
  /** The card that Tab reaches. */
  readonly stop: Store<string | undefined>;
  readonly canEdit: boolean;
  readonly on: CanvasEvents;
};

export const EditContext = createContext<EditContextValue | undefined>(undefined);

export function useEdit(): EditContextValue {
  const value = useContext(EditContext);
  if (!value) throw new Error('this lives inside an editing canvas');
  return value;
}

export function useLight(id: string): CardState | undefined {
  const { lights } = useEdit();
  const subscribe = useCallback((listener: () => void) => lights.subscribe(`card:${id}`, listener), [lights, id]);
  return useSyncExternalStore(subscribe, () => lights.card(id));
}

export function useWireLight(id: string): WireState | undefined {
  const { lights } = useEdit();
  const subscribe = useCallback((listener: () => void) => lights.subscribe(`wire:${id}`, listener), [lights, id]);
  return useSyncExternalStore(subscribe, () => lights.wire(id));
}

export function useKeyed<T>(store: KeyedStore<T>, id: string): T | undefined {
  const subscribe = useCallback((listener: () => void) => store.subscribe(id, listener), [store, id]);
  return useSyncExternalStore(subscribe, () => store.get(id));
}

/** Whether a store holds this id. A component hears only when that changes. */
export const useIs = (store: Store<string | undefined>, id: string): boolean =>
  useSyncExternalStore(store.subscribe, () => store.get() === id);
