//! Copy, cut and paste as text: between tabs, browsers and nodes, and from n8n.
import { useEffect } from 'react';
import { copy, type Fragment, fragmentOf, readFragment } from '@/shared/document/edits/fragment';
import { type Pasted, paste } from '@/shared/document/edits/paste';
import { boundsOf } from '@/shared/graph/bounds';
import { freePlace } from '@/shared/graph/grid';
import { tidy } from '@/shared/graph/layout';
import { graphOf, type Manifests, type Point, type Rect } from '@/shared/graph/model';
import { type Scene, sceneOf } from '@/shared/graph/scene';
import { messages } from '@/shared/i18n/messages';
import type { Actions } from './actions';
import type { DesignerModel } from './model';

/** A fragment whose cards all have a place: what never had one is laid out. */
export function placed(fragment: Fragment, manifests: Manifests): Fragment {
  const cards = [...Object.values(fragment.steps), ...Object.values(fragment.triggers)];
  if (cards.every((card) => card.position)) return fragment;
  const { steps, triggers, wires } = fragment;
  const laid = tidy(graphOf({ flowork: 'preset/1', name: 'fragment', steps, triggers, wires }, manifests));
  const places = new Map(laid.cards.map(({ id, x, y }) => [id, { x, y }]));
  const put = <T extends object>(entries: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(entries).map(([id, card]) => [id, { ...card, position: places.get(id) }]));
  return { ...fragment, steps: put(steps), triggers: put(triggers) };
}

function put(
  model: DesignerModel,
  actions: Actions,
  label: 'designer.edit.paste' | 'designer.edit.duplicate',
  it: Pasted,
) {
  if (!actions.apply(label, it.edit)) return;
  model.selection.set(it.ids);
  const first = it.ids[0];
  model.say(messages()('designer.said.pasted', { count: it.ids.length }), { isQuiet: true });
  requestAnimationFrame(() => {
    model.canvas.current?.focus(first);
    model.canvas.current?.reveal(it.ids);
  });
}

/** The middle of the nearest place where what is pasted lies on nothing. */
export function roomFor(pasted: Scene, wish: Point, taken: readonly Rect[]): { x: number; y: number } {
  const { width, height } = boundsOf([...pasted.graph.cards, ...pasted.notes]);
  const place = freePlace(taken, { x: wish.x - width / 2, y: wish.y - height / 2, width, height });
  return { x: place.x + width / 2, y: place.y + height / 2 };
}

/** Puts a text into the workflow, its middle at `at`; says so when it is nothing that can be pasted. */
export function pasteText(model: DesignerModel, actions: Actions, text: string, at?: Point): boolean {
  const fragment = readFragment(text, messages());
  if (!fragment) {
    model.say(messages()('designer.said.bad_paste'), { tone: 'refused' });
    return false;
  }
  const { preset } = model.editor.snapshot();
  const whole = placed(fragment, model.manifests);
  const wish = at ?? model.canvas.current?.middle() ?? { x: 0, y: 0 };
  const { graph, notes } = model.scene.get();
  const middle = roomFor(sceneOf({ ...whole, flowork: 'preset/1', name: 'pasted' }, model.manifests), wish, [
    ...graph.cards,
    ...notes,
  ]);
  put(model, actions, 'designer.edit.paste', paste(preset, whole, middle));
  return true;
}

/** What is selected once more, a little beside. */
export function duplicateChosen(model: DesignerModel, actions: Actions): void {
  const ids = actions.chosen();
  if (ids.length === 0) return;
  const { preset } = model.editor.snapshot();
  put(model, actions, 'designer.edit.duplicate', paste(preset, placed(fragmentOf(preset, ids), model.manifests)));
}

/** What is selected, as text. */
export const chosenText = (model: DesignerModel, actions: Actions): string =>
  copy(model.editor.snapshot().preset, actions.chosen());

const isText = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  (target.matches('input, textarea, [contenteditable="true"], [contenteditable="true"] *') ||
    target.closest('[role="dialog"]') !== null);

/** Listens to the clipboard of the browser. Text that is selected on the page is copied as text. */
export function useClipboard(model: DesignerModel, actions: Actions, isOn: boolean): void {
  useEffect(() => {
    if (!isOn) return;
    const take = (event: ClipboardEvent): boolean => {
      if (event.defaultPrevented || isText(event.target) || String(getSelection()) !== '') return false;
      const ids = actions.chosen();
      if (ids.length === 0) return false;
      event.clipboardData?.setData('text/plain', chosenText(model, actions));
      event.preventDefault();
      model.say(messages()('designer.said.copied', { count: ids.length }));
      return true;
    };
    const onCopy = (event: ClipboardEvent) => void take(event);
    const onCut = (event: ClipboardEvent) => {
      if (model.editor.canEdit() && take(event)) actions.remove(false);
    };
    const onPaste = (event: ClipboardEvent) => {
      if (event.defaultPrevented || isText(event.target)) return;
      const text = event.clipboardData?.getData('text/plain') ?? '';
      if (text === '') return;
      event.preventDefault();
      pasteText(model, actions, text);
    };
    document.addEventListener('copy', onCopy);
    document.addEventListener('cut', onCut);
    document.addEventListener('paste', onPaste);
    return () => {
      document.removeEventListener('copy', onCopy);
      document.removeEventListener('cut', onCut);
      document.removeEventListener('paste', onPaste);
    };
  }, [model, actions, isOn]);
}
