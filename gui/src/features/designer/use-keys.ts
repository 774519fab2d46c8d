//! The one place that listens for keys: the table says which command, and this that it happens.
import { useEffect } from 'react';
import type { Commands } from './commands';
import { commandOf, type Focus } from './keymap';
import type { DesignerModel } from './model';

const isField = (target: Element): boolean =>
  target.matches('input, textarea, select, [contenteditable="true"], [contenteditable="true"] *');

function focusOf(target: EventTarget | null): Focus | undefined {
  if (!(target instanceof Element) || target === document.body) return 'canvas';
  // Dialogs and menus have their own keys.
  if (target.closest('[role="dialog"], [role="menu"], [role="listbox"]')) return undefined;
  if (isField(target)) return 'field';
  if (target.closest('[role="tree"]')) return 'list';
  if (target.closest('[data-canvas]')) return 'canvas';
  return target.closest('[data-designer]') ? 'elsewhere' : undefined;
}

export function useKeys(model: DesignerModel, commands: Commands, isOn: boolean): void {
  useEffect(() => {
    if (!isOn) return;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const focus = focusOf(event.target);
      if (focus === undefined) return;
      const id = commandOf(event, focus);
      if (id === undefined) return;
      // A button inside of the canvas that is no card is pressed by Enter as any other.
      const isButton = event.target instanceof Element && event.target.closest('button:not([data-card])') !== null;
      if (isButton && (event.key === 'Enter' || event.key === ' ')) return;
      event.preventDefault();
      event.stopPropagation();
      commands[id]();
    };
    addEventListener('keydown', onKeyDown, true);
    return () => removeEventListener('keydown', onKeyDown, true);
  }, [commands, isOn]);
  // A field has the first word on Esc; what it has no use for leaves it to the panel around it, from where Esc leads to the canvas.
  useEffect(() => {
    if (!isOn) return;
    const onEscape = (event: KeyboardEvent) => {
      const { target } = event;
      if (event.key !== 'Escape' || event.defaultPrevented || event.isComposing || focusOf(target) !== 'field') return;
      const panel = target instanceof Element ? target.closest<HTMLElement>('section[aria-label]') : null;
      if (!panel?.closest('[data-designer]')) return;
      event.preventDefault();
      if (!panel.hasAttribute('tabindex')) panel.tabIndex = -1;
      panel.focus({ preventScroll: true });
    };
    addEventListener('keydown', onEscape);
    return () => removeEventListener('keydown', onEscape);
  }, [isOn]);
  // Whatever lost the focus because it went away gives it to the canvas.
  useEffect(() => {
    const onFocusOut = () => {
      requestAnimationFrame(() => {
        if (document.activeElement === document.body && document.hasFocus() && !model.popup.get()) {
          model.canvas.current?.element()?.focus({ preventScroll: true });
        }
      });
    };
    const root = document.querySelector('[data-designer]');
    root?.addEventListener('focusout', onFocusOut);
    return () => root?.removeEventListener('focusout', onFocusOut);
  }, [model]);
}
