//! What people do to a workflow: each is one edit and one step of undo, said aloud.
import type { Manifest } from '@/shared/api/types';
import {
  addCard,
  codeFields,
  moveCards,
  removeCards,
  renameCard,
  replaceComponent,
  setDisabled,
} from '@/shared/document/edits/cards';
import { together } from '@/shared/document/edits/entries';
import { freeId, freeName } from '@/shared/document/edits/ids';
import {
  addNote,
  group,
  resizeNote,
  setColour,
  setGroupTitle,
  setNoteText,
  ungroup,
} from '@/shared/document/edits/notes';
import { pin, unpin } from '@/shared/document/edits/pins';
import { connect, insertOnWire, reconnect } from '@/shared/document/edits/wires';
import type { Edit } from '@/shared/document/types';
import type { AddAsk } from '@/shared/graph/canvas/edit-context';
import { Connections, mainPort, type Refusal } from '@/shared/graph/connect';
import { align, distribute, freePlace, type Placed, type Places, type Side, snapPoint } from '@/shared/graph/grid';
import { COLUMN_GAP } from '@/shared/graph/layout';
import { CARD_WIDTH, cardHeight, type Point, type Rect, type WireEnd } from '@/shared/graph/model';
import { type Colour, NOTE_SIZE, rectsOf } from '@/shared/graph/scene';
import { stream } from '@/shared/graph/walk';
import { messages, type PlainKey } from '@/shared/i18n/messages';
import { outputs } from './data';
import type { DesignerModel } from './model';

const refusals: Readonly<Record<Refusal, PlainKey>> = {
  'same-step': 'designer.refuse.same-step',
  'same-wire': 'designer.refuse.same-wire',
  'trigger-input': 'designer.refuse.trigger-input',
  'no-port': 'designer.refuse.no-port',
  cycle: 'designer.refuse.cycle',
  'into-loop': 'designer.refuse.into-loop',
  'back-from-outside': 'designer.refuse.back-from-outside',
  'fed-from-outside': 'designer.refuse.fed-from-outside',
};

export class Actions {
  constructor(private readonly model: DesignerModel) {}

  private get preset() {
    return this.model.editor.snapshot().preset;
  }

  private get scene() {
    return this.model.scene.get();
  }

  /** Carries an edit out, or says why not. */
  apply(label: PlainKey, edit: Edit, merge?: string): boolean {
    if (!this.model.editor.canEdit()) {
      this.model.say(messages()('designer.said.read_only'), { tone: 'refused' });
      return false;
    }
    this.model.editor.apply(label, edit, merge);
    return true;
  }

  refused(why: Refusal): void {
    this.model.say(messages()(refusals[why]), { tone: 'refused' });
  }

  /** Puts things elsewhere. Cards that had no place in the document get the one where they are drawn. */
  move(places: Places, label: PlainKey = 'designer.edit.move', merge?: string): void {
    if (places.size > 0) this.apply(label, this.moved(places), merge);
  }

  private moved(places: Places): Edit {
    const all = new Map(places);
    for (const card of this.scene.graph.cards)
      if (this.scene.unplaced.has(card.id) && !all.has(card.id)) all.set(card.id, { x: card.x, y: card.y });
    return moveCards(Object.fromEntries([...all].map(([id, { x, y }]) => [id, { x, y }])));
  }

  nudge(dx: number, dy: number): void {
    const ids = this.movable();
    const rects = rectsOf(this.scene);
    const places = new Map(
      ids.flatMap((id) => {
        const rect = rects.get(id);
        return rect ? [[id, snapPoint({ x: rect.x + dx, y: rect.y + dy })] as const] : [];
      }),
    );
    this.move(places, 'designer.edit.move', 'nudge');
    if (places.size > 0) this.model.canvas.current?.reveal(places.keys());
  }

  /** Cards and notes that are selected, those of selected frames too; else what has the focus. */
  movable(): string[] {
    const picked = new Set(this.model.selection.get());
    for (const it of this.scene.groups) if (picked.has(it.id)) for (const step of it.steps) picked.add(step);
    const ids = [...this.scene.graph.cards, ...this.scene.notes].map((it) => it.id).filter((id) => picked.has(id));
    const stop = this.model.stop.get();
    return ids.length > 0 || stop === undefined ? ids : [stop];
  }

  connect(from: WireEnd, to: WireEnd, replacing?: string): boolean {
    const why = new Connections(this.scene.graph, replacing).refusal(from, to);
    if (why) {
      this.refused(why);
      return false;
    }
    const edit = replacing === undefined ? connect(from, to) : reconnect(replacing, from, to);
    const isDone = this.apply(replacing === undefined ? 'designer.edit.connect' : 'designer.edit.reconnect', edit);
    const [source, target] = [this.model.card(from.step), this.model.card(to.step)];
    if (isDone && source && target)
      this.model.say(messages()('designer.said.connected', { from: source.name, to: target.name }), { isQuiet: true });
    return isDone;
  }

  /** Puts a step that is there into a connection. */
  insert(step: string, wire: string, places: Places): void {
    const card = this.model.card(step);
    const [input, output] = [card?.inputs[0], card?.outputs[0]];
    if (input === undefined || output === undefined) return;
    this.apply(
      'designer.edit.connect',
      together(this.moved(places), insertOnWire(this.preset, wire, step, input, output)),
    );
  }

  /** Adds a component where `ask` says, connected with what it says, and goes there. */
  add(manifest: Manifest, ask: AddAsk): string | undefined {
    const { preset, scene } = this;
    const id = freeId(preset, manifest.name);
    const name = freeName(preset, manifest.title);
    const kind = manifest.kind === 'trigger' ? 'trigger' : 'step';
    const size = { width: CARD_WIDTH, height: cardHeight(manifest.inputs.length, manifest.outputs.length) };
    const { place, shifted } = this.placeFor(ask, size);
    const edits: Edit[] = [
      this.moved(shifted),
      addCard(kind, id, manifest.name, { ...place }, {}, name, codeFields(manifest)),
    ];
    const [input, output] = [mainPort(manifest, 'in'), mainPort(manifest, 'out')];
    if (ask.wire !== undefined && input !== undefined && output !== undefined) {
      edits.push(insertOnWire(preset, ask.wire, id, input, output));
    } else if (ask.loose?.side === 'out' && input !== undefined) {
      edits.push(connect(ask.loose.end, { step: id, port: input }));
    } else if (ask.loose?.side === 'in' && output !== undefined) {
      edits.push(connect({ step: id, port: output }, ask.loose.end));
    }
    if (shifted.size === 0 && scene.unplaced.size === 0) edits.shift();
    if (!this.apply('designer.edit.add', together(...edits))) return undefined;
    this.go(id);
    this.model.say(messages()('designer.said.added', { name }), { isQuiet: true });
    return id;
  }

  /** Where something new goes: right of what it follows, left of what it feeds, between two with room made for it. */
  private placeFor(ask: AddAsk, size: Pick<Rect, 'width' | 'height'>): { place: Point; shifted: Places } {
    const { graph } = this.scene;
    const none: Places = new Map();
    const wire = graph.wires.find((it) => it.id === ask.wire);
    const [from, to] = [this.model.card(wire?.from.step), this.model.card(wire?.to.step)];
    if (wire && from && to) {
      const x = from.x + from.width + COLUMN_GAP;
      const y = from.y + from.height / 2 - size.height / 2;
      const missing = x + size.width + COLUMN_GAP - to.x;
      if (missing <= 0 || to.x < from.x) {
        const middle = (from.x + from.width + to.x) / 2 - size.width / 2;
        return {
          place: snapPoint({ x: Math.max(x, middle), y: (y + to.y + to.height / 2 - size.height / 2) / 2 }),
          shifted: none,
        };
      }
      const after = new Set([to.id, ...stream(graph, to.id, 'down')]);
      after.delete(from.id);
      const shifted = new Map(
        graph.cards
          .filter((card) => after.has(card.id) && card.x >= to.x)
          .map((card) => [card.id, snapPoint({ x: card.x + missing, y: card.y })] as const),
      );
      return { place: snapPoint({ x, y }), shifted };
    }
    const near = this.model.card(ask.loose?.end.step);
    const wish = { x: ask.at.x, y: ask.at.y, ...size };
    // A wire that was dropped on the pane asks for that place; a plus on a port for the next column.
    if (near && ask.loose?.side === 'in') wish.x = Math.min(wish.x, near.x - COLUMN_GAP - size.width);
    return { place: freePlace(graph.cards, wish), shifted: none };
  }

  /** Where a new step goes when nobody points anywhere: after the selected one, else into the middle of what is seen. */
  askBeside(): AddAsk {
    const card = this.model.card(this.model.target());
    const canvas = this.model.canvas.current;
    const client = canvas?.clientOf(card?.id) ?? { x: 0, y: 0 };
    const wire = [...this.model.selection.get()].find((id) => this.scene.graph.wires.some((it) => it.id === id));
    if (wire !== undefined) return { at: canvas?.middle() ?? { x: 0, y: 0 }, client, wire };
    const port = card && (card.outputs.find((it) => it === 'out' || it === 'done') ?? card.outputs[0]);
    if (card && port !== undefined) {
      return {
        at: { x: card.x + card.width + COLUMN_GAP, y: card.y },
        client,
        loose: { end: { step: card.id, port }, side: 'out' },
      };
    }
    const middle = canvas?.middle() ?? { x: 0, y: 0 };
    return { at: { x: middle.x - CARD_WIDTH / 2, y: middle.y - 32 }, client };
  }

  replace(id: string, manifest: Manifest): void {
    const card = this.model.card(id);
    if (!card) return;
    // Connections of ports that the new component does not have go with the old one.
    const inputs = new Set(manifest.inputs.map((port) => port.name));
    const outs = new Set(manifest.outputs.map((port) => port.name));
    const [input, output] = [mainPort(manifest, 'in'), mainPort(manifest, 'out')];
    const edits: Edit[] = [replaceComponent(id, manifest.name)];
    for (const wire of this.scene.graph.wires) {
      if (wire.to.step === id && !inputs.has(wire.to.port)) {
        edits.push(
          input === undefined
            ? removeCards(this.preset, [wire.id])
            : reconnect(wire.id, wire.from, { step: id, port: input }),
        );
      }
      if (wire.from.step === id && wire.from.port !== 'error' && !outs.has(wire.from.port)) {
        edits.push(
          output === undefined
            ? removeCards(this.preset, [wire.id])
            : reconnect(wire.id, { step: id, port: output }, wire.to),
        );
      }
    }
    // A name that only said what the old component was says what the new one is.
    const isPlainName = card.name.replace(/ \d+$/, '') === card.title;
    if (isPlainName) edits.push(renameCard(this.preset, id, freeName(this.preset, manifest.title)));
    if (this.apply('designer.edit.replace', together(...edits))) this.model.canvas.current?.focus(id);
  }

  /** Deletes what is selected; the focus goes to what led there. */
  remove(heal: boolean): void {
    const ids = this.chosen();
    if (ids.length === 0) return;
    const gone = new Set(ids);
    const { graph } = this.scene;
    const next =
      graph.wires.find((wire) => gone.has(wire.to.step) && !gone.has(wire.from.step))?.from.step ??
      graph.wires.find((wire) => gone.has(wire.from.step) && !gone.has(wire.to.step))?.to.step ??
      graph.cards.find((card) => !gone.has(card.id))?.id;
    if (!this.apply('designer.edit.delete', removeCards(this.preset, ids, heal))) return;
    const stop = this.model.stop.get();
    this.model.canvas.current?.focus(stop !== undefined && !gone.has(stop) ? stop : next);
    this.model.say(messages()('designer.said.deleted', { count: ids.length }), { isQuiet: true });
  }

  /** What is selected, or what has the focus. */
  chosen(): string[] {
    const ids = [...this.model.selection.get()];
    const stop = this.model.stop.get();
    return ids.length > 0 || stop === undefined ? ids : [stop];
  }

  toggleDisabled(ids = this.chosen().filter((id) => this.model.card(id))): void {
    if (ids.length === 0) return;
    const isOn = ids.some((id) => !this.model.card(id)?.isDisabled);
    this.apply('designer.edit.disable', setDisabled(ids, isOn));
  }

  /** Pins what a step gave last, or lets it run again. */
  async togglePin(id = this.model.target()): Promise<void> {
    const t = messages();
    const card = this.model.card(id);
    if (card?.kind !== 'step') return;
    if (card.isPinned) {
      if (this.apply('designer.edit.pin', unpin([card.id])))
        this.model.say(t('designer.said.unpinned', { name: card.name }));
      return;
    }
    const { run } = this.model;
    const found = await outputs(
      { preset: this.preset, job: run.job(), view: run.view() },
      card.id,
      card.outputs.filter((port) => port !== 'error'),
    ).catch(() => undefined);
    if (!found) {
      this.model.say(t('designer.said.no_data', { name: card.name }), { tone: 'refused' });
      return;
    }
    const count = Object.values(found).reduce((sum, items) => sum + items.length, 0);
    if (this.apply('designer.edit.pin', pin(card.id, found)))
      this.model.say(t('designer.said.pinned', { name: card.name, count }));
  }

  rename(id: string, name: string): void {
    const edit = this.scene.groups.some((it) => it.id === id)
      ? setGroupTitle(id, name)
      : renameCard(this.preset, id, name);
    this.apply('designer.edit.rename', edit);
  }

  group(): void {
    const cards = this.model.cards();
    if (cards.length === 0) {
      this.model.say(messages()('designer.said.nothing'), { tone: 'refused' });
      return;
    }
    const id = freeId(this.preset, 'group');
    if (!this.apply('designer.edit.group', group(id, cards, messages()('designer.group.untitled')))) return;
    this.model.selection.set([id, ...cards]);
    this.model.writing.set(id);
  }

  ungroup(): void {
    const cards = new Set(this.model.selection.get());
    const ids = this.scene.groups
      .filter((it) => cards.has(it.id) || it.steps.some((step) => cards.has(step)))
      .map((it) => it.id);
    if (ids.length > 0) this.apply('designer.edit.group', ungroup(ids));
  }

  note(at?: Point): void {
    const id = freeId(this.preset, 'note');
    const middle = this.model.canvas.current?.middle() ?? { x: 0, y: 0 };
    const wish = at ?? { x: middle.x - NOTE_SIZE.width / 2, y: middle.y - NOTE_SIZE.height / 2 };
    const place = freePlace([...this.scene.graph.cards, ...this.scene.notes], { ...wish, ...NOTE_SIZE });
    if (!this.apply('designer.edit.note', addNote(id, { ...place }, '', NOTE_SIZE))) return;
    this.model.selection.set([id]);
    this.model.stop.set(id);
    this.model.writing.set(id);
  }

  noteText(id: string, text: string): void {
    this.apply('designer.edit.note', setNoteText(id, text));
  }

  noteSize(id: string, size: Pick<Rect, 'width' | 'height'>, merge?: string): void {
    const note = this.scene.notes.find((it) => it.id === id);
    if (note) this.apply('designer.edit.resize', resizeNote(id, { x: note.x, y: note.y }, size), merge);
  }

  colour(id: string, colour: Colour): void {
    const of = this.scene.groups.some((it) => it.id === id) ? 'groups' : 'notes';
    this.apply('designer.edit.colour', setColour(of, id, colour === 'plain' ? undefined : colour));
  }

  lineUp(side: Side): void {
    this.move(align(this.placed(), side), 'designer.edit.align');
  }

  spread(along: 'x' | 'y'): void {
    this.move(distribute(this.placed(), along), 'designer.edit.align');
  }

  private placed(): Placed[] {
    const rects = rectsOf(this.scene);
    return this.movable().flatMap((id) => {
      const rect = rects.get(id);
      return rect ? [{ ...rect, id }] : [];
    });
  }

  /** Selects a card, brings it into sight and gives it the focus. */
  go(id: string): void {
    this.model.selection.set([id]);
    this.model.stop.set(id);
    // The canvas draws it in a moment.
    requestAnimationFrame(() => this.model.canvas.current?.focus(id));
  }
}
