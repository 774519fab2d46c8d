//! What each command of the table of keys does. Keys, menus, the palette and the lists all end here.
import { GRID } from '@/shared/graph/model';
import { rectsOf } from '@/shared/graph/scene';
import { type Direction, neighbour, stream } from '@/shared/graph/walk';
import { messages } from '@/shared/i18n/messages';
import type { Actions } from './actions';
import { duplicateChosen } from './clipboard';
import type { RunScope } from './context';
import type { CommandId } from './keymap';
import type { DesignerModel } from './model';
import { tidyAside } from './tidy-aside';

export type Commands = Readonly<Record<CommandId, () => void>>;

export function makeCommands(
  model: DesignerModel,
  actions: Actions,
  start: (scope: RunScope) => Promise<void>,
): Commands {
  const { selection, stop, popup } = model;
  const canvas = () => model.canvas.current;
  const scene = () => model.scene.get();
  const say = (text: string) => model.say(text, { isQuiet: true });
  const nothing = () => model.say(messages()('designer.said.nothing'), { tone: 'refused' });

  const walk = (direction: Direction) => () => {
    const at = stop.get() ?? scene().graph.cards[0]?.id;
    if (at === undefined) return;
    const next = neighbour({ ...scene().graph, cards: walkable() }, at, direction);
    if (next === undefined) {
      say(messages()('designer.said.end'));
      canvas()?.focus(at);
      return;
    }
    selection.set([next]);
    canvas()?.focus(next);
  };
  // Notes are walked to as cards are: they have a place and a size.
  const walkable = () => {
    const { graph, notes } = scene();
    const [like] = graph.cards;
    return like ? [...graph.cards, ...notes.map((note) => ({ ...like, ...note }))] : graph.cards;
  };
  const nudge = (dx: number, dy: number) => () => actions.nudge(dx * GRID, dy * GRID);
  const size = (dx: number, dy: number) => () => {
    const note = scene().notes.find((it) => it.id === stop.get());
    if (!note) return;
    const next = { width: Math.max(128, note.width + dx * GRID), height: Math.max(48, note.height + dy * GRID) };
    actions.noteSize(note.id, next, `size ${note.id}`);
  };
  const streamTo = (direction: 'up' | 'down') => () => {
    const at = model.target();
    if (at === undefined) return nothing();
    const found = stream(scene().graph, at, direction);
    selection.set([at, ...found]);
    model.say(messages()('designer.said.selected', { count: found.length + 1 }), { isQuiet: true });
  };
  /** The next wire of the step that has the focus: W again and again goes through them all. */
  const nextWire = () => {
    const at = model.target() ?? stop.get();
    const { graph } = scene();
    const own = graph.wires.filter((wire) => wire.from.step === at || wire.to.step === at);
    const now = own.findIndex((wire) => selection.get().has(wire.id));
    const wire = own[(now + 1) % Math.max(1, own.length)];
    if (!wire) return nothing();
    selection.set([wire.id]);
    const [from, to] = [model.card(wire.from.step), model.card(wire.to.step)];
    if (from && to) say(messages()('designer.said.wire', { from: from.name, to: to.name }));
  };
  const onCard = (work: (id: string) => void) => () => {
    const id = model.target();
    if (id === undefined) nothing();
    else work(id);
  };
  const open = () => {
    const id = stop.get();
    if (id === undefined) return;
    if (scene().notes.some((note) => note.id === id)) {
      if (model.editor.canEdit()) model.writing.set(id);
      return;
    }
    if (selection.get().size !== 1 || !selection.get().has(id)) selection.set([id]);
    else model.panel.set({ ...model.panel.get(), isWide: !model.panel.get().isWide });
  };
  const rename = () => {
    const id = stop.get();
    const picked = scene().groups.find((it) => selection.get().has(it.id));
    const target = picked?.id ?? id;
    if (target !== undefined && model.editor.canEdit()) model.writing.set(target);
  };
  const undone = (way: 'undo' | 'redo') => (evenOverOthers?: boolean) => {
    const t = messages();
    if (!model.editor.canEdit()) return;
    const result = way === 'undo' ? model.editor.undo(evenOverOthers) : model.editor.redo();
    if (result.kept.length > 0) {
      model.say(t('designer.undo.kept'), {
        action: { label: t('designer.undo.anyway'), run: () => undone(way)(true) },
      });
      return;
    }
    if (!result.done) {
      model.say(t(way === 'undo' ? 'designer.undo.none' : 'designer.redo.none'));
      return;
    }
    const what = result.label ? t(result.label) : '';
    model.say(t(way === 'undo' ? 'designer.undo.done' : 'designer.redo.done', { what }), { isQuiet: true });
    // What had the focus may be gone by this.
    if (document.activeElement === document.body) canvas()?.focus();
  };
  const run = (kind: 'until' | 'only') => () => {
    const step = model.target();
    if (step === undefined || model.card(step)?.kind !== 'step') nothing();
    else void start({ kind, step });
  };
  const isBesideCanvas = () => {
    const { activeElement } = document;
    return activeElement !== document.body && !canvas()?.element()?.contains(activeElement);
  };
  const back = () => {
    if (popup.get()) popup.set(undefined);
    else if (canvas()?.cancel()) return;
    // Whoever is beside the canvas comes back to it first, and what is open there stays.
    else if (isBesideCanvas()) canvas()?.focus(stop.get());
    else if (model.following.get() !== undefined) model.following.set(undefined);
    else if (model.panel.get().isWide) model.panel.set({ isWide: false });
    else if (selection.get().size > 0) selection.set([]);
    if (!canvas()?.element()?.contains(document.activeElement)) canvas()?.focus(stop.get());
  };
  const side = (which: 'palette' | 'outline') => () => model.side.set(model.side.get() === which ? undefined : which);

  return {
    'walk.left': walk('left'),
    'walk.right': walk('right'),
    'walk.up': walk('up'),
    'walk.down': walk('down'),
    'select.up': streamTo('up'),
    'select.down': streamTo('down'),
    'select.all': () => {
      selection.set(rectsOf(scene()).keys());
      say(messages()('designer.said.selected', { count: selection.get().size }));
    },
    'select.wires': nextWire,
    'move.left': nudge(-1, 0),
    'move.right': nudge(1, 0),
    'move.up': nudge(0, -1),
    'move.down': nudge(0, 1),
    'size.left': size(-1, 0),
    'size.right': size(1, 0),
    'size.up': size(0, -1),
    'size.down': size(0, 1),
    add: () => {
      if (model.editor.canEdit()) popup.set({ kind: 'add', ask: actions.askBeside() });
    },
    connect: onCard((id) => popup.set({ kind: 'targets', id, client: canvas()?.clientOf(id) ?? { x: 0, y: 0 } })),
    open,
    rename,
    disable: () => actions.toggleDisabled(),
    pin: onCard((id) => void actions.togglePin(id)),
    replace: onCard((id) => popup.set({ kind: 'replace', id, client: canvas()?.clientOf(id) ?? { x: 0, y: 0 } })),
    group: () => actions.group(),
    ungroup: () => actions.ungroup(),
    note: () => actions.note(),
    tidy: () =>
      void tidyAside(scene().graph, new Set(model.cards())).then((places) => {
        actions.move(places, 'designer.edit.tidy');
        say(messages()('designer.said.tidied'));
      }),
    'align.left': () => actions.lineUp('left'),
    'align.top': () => actions.lineUp('top'),
    'align.right': () => actions.lineUp('right'),
    'align.bottom': () => actions.lineUp('bottom'),
    'align.centre': () => actions.lineUp('centre'),
    'align.middle': () => actions.lineUp('middle'),
    'spread.x': () => actions.spread('x'),
    'spread.y': () => actions.spread('y'),
    undo: () => undone('undo')(),
    redo: () => undone('redo')(),
    duplicate: () => duplicateChosen(model, actions),
    delete: () => actions.remove(false),
    heal: () => actions.remove(true),
    run: () => void start({ kind: 'all' }),
    'run.until': run('until'),
    'run.only': run('only'),
    'zoom.in': () => canvas()?.zoom('in'),
    'zoom.out': () => canvas()?.zoom('out'),
    'zoom.whole': () => canvas()?.zoom('whole'),
    fit: () => canvas()?.fit('all'),
    'fit.selection': () => canvas()?.fit('selection'),
    outline: side('outline'),
    palette: side('palette'),
    find: () => popup.set({ kind: 'find', client: canvas()?.clientOf(undefined) ?? { x: 0, y: 0 } }),
    back,
  };
}
