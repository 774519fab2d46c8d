//! What one open workflow holds beside its document: what is drawn, selected, written, run and said. Plain stores; React looks.
import type { DrawnPreset, PresetEditor } from '@/shared/document/types';
import type { CanvasHandle } from '@/shared/graph/canvas/canvas-handle';
import type { AddAsk } from '@/shared/graph/canvas/edit-context';
import { KeyedStore, Store } from '@/shared/graph/keyed-store';
import type { Manifests, Point } from '@/shared/graph/model';
import type { ChangeKind } from '@/shared/graph/preset-diff';
import { EMPTY_SCENE, rectsOf, type Scene, sceneOf } from '@/shared/graph/scene';
import { SelectionStore } from '@/shared/graph/selection';
import type { PanelState } from './context';
import { RunStore } from './run-store';

/** What stands over the canvas for a moment. */
export type Popup =
  | { readonly kind: 'add'; readonly ask: AddAsk }
  | { readonly kind: 'replace'; readonly id: string; readonly client: Point }
  | { readonly kind: 'targets'; readonly id: string; readonly client: Point }
  | { readonly kind: 'find'; readonly client: Point }
  | { readonly kind: 'menu'; readonly id: string | undefined; readonly client: Point; readonly at: Point }
  | { readonly kind: 'import' }
  | { readonly kind: 'input' };

/** What was said last; a new object for each time. */
export type Said = {
  readonly text: string;
  readonly tone: 'plain' | 'refused';
  /** What can be done about it. */
  readonly action?: { readonly label: string; readonly run: () => void };
  /** Only aloud: the screen shows it already. */
  readonly isQuiet?: boolean;
};

export type BottomTab = 'run' | 'logs' | 'data' | 'problems' | 'versions';

export class DesignerModel {
  readonly selection = new SelectionStore();
  readonly stop = new Store<string | undefined>(undefined);
  readonly writing = new Store<string | undefined>(undefined);
  readonly popup = new Store<Popup | undefined>(undefined);
  readonly said = new Store<Said | undefined>(undefined);
  readonly panel = new Store<PanelState>({ isWide: false });
  readonly problems = new KeyedStore<number>();
  /** How things differ while two versions are compared. */
  readonly changes = new KeyedStore<ChangeKind>();
  /** Whether the panel of the whole workflow stands at the right while nothing is selected. */
  readonly about = new Store(false);
  readonly run = new RunStore();
  readonly scene: Store<Scene>;
  readonly bottom = new Store<{ readonly isOpen: boolean; readonly tab: BottomTab }>({ isOpen: false, tab: 'run' });
  readonly side = new Store<'palette' | 'outline' | undefined>(undefined);
  readonly following = new Store<string | undefined>(undefined);
  readonly canvas: { current: CanvasHandle | null } = { current: null };
  private readonly stopListening: () => void;
  private last: DrawnPreset;

  constructor(
    readonly editor: PresetEditor,
    readonly manifests: Manifests,
  ) {
    this.last = editor.snapshot().preset;
    this.scene = new Store(sceneOf(this.last, manifests, EMPTY_SCENE));
    this.run.draw(this.scene.get().graph, this.last);
    this.stopListening = editor.subscribe(() => this.draw());
  }

  close(): void {
    this.stopListening();
    this.run.close();
  }

  say(text: string, more: Partial<Said> = {}): void {
    this.said.set({ text, tone: 'plain', ...more });
  }

  /** The selected things that are of some kind. */
  cards(): string[] {
    const { graph } = this.scene.get();
    const picked = this.selection.get();
    return graph.cards.filter((card) => picked.has(card.id)).map((card) => card.id);
  }

  /** The selected cards, or the one that has the focus when none is selected. */
  target(): string | undefined {
    const [first] = this.cards();
    const stop = this.stop.get();
    if (stop !== undefined && (first === undefined || this.selection.get().has(stop)) && this.card(stop)) return stop;
    return first;
  }

  card(id: string | undefined) {
    return this.scene.get().graph.cards.find((card) => card.id === id);
  }

  private draw(): void {
    const preset = this.editor.snapshot().preset;
    if (preset === this.last) return;
    this.last = preset;
    const scene = sceneOf(preset, this.manifests, this.scene.get());
    this.run.draw(scene.graph, preset);
    if (scene === this.scene.get()) return;
    this.scene.set(scene);
    const rects = rectsOf(scene);
    const wires = new Set(scene.graph.wires.map((wire) => wire.id));
    this.selection.keepOnly((id) => rects.has(id) || wires.has(id));
  }
}
