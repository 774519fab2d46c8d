//! The page of one run: its steps and its time machine.
import type { Locator, Page } from 'playwright-core';

/** A run on the screen. */
export class RunPage {
  readonly slider: Locator;

  constructor(readonly page: Page) {
    this.slider = page.getByRole('slider', { name: 'Event' });
  }

  /** The state of the run, in its header. */
  state(state: string): Locator {
    return this.page.getByRole('main').getByText(state, { exact: true }).first();
  }

  /** A step on the canvas. */
  step(name: string): Locator {
    const canvas = this.page.getByRole('group', { name: 'Steps and wires of this run' });
    return canvas.getByRole('button', { name: new RegExp(`^${name}\\b`) });
  }

  /** A step in the list of steps, in a state. */
  listed(name: string, state: string): Locator {
    const list = this.page
      .getByRole('tabpanel', { name: 'Steps' })
      .or(this.page.getByRole('region', { name: 'Steps' }));
    return list.getByRole('button', { name: `${name} ${state}` });
  }

  /** Where the slider stands. */
  async seq(): Promise<number> {
    return Number(await this.slider.inputValue());
  }

  /** The number of the last event. */
  async last(): Promise<number> {
    return Number(await this.slider.getAttribute('max'));
  }

  /** Drags the thumb of the slider with the mouse to a part of its length. */
  async scrubTo(part: number): Promise<void> {
    const box = await this.slider.boundingBox();
    if (!box) throw new Error('The slider is not to be seen');
    const y = box.y + box.height / 2;
    const room = box.width - 16;
    const now = (await this.seq()) / (await this.last());
    await this.page.mouse.move(box.x + 8 + room * now, y);
    await this.page.mouse.down();
    await this.page.mouse.move(box.x + 8 + room * part, y, { steps: 12 });
    await this.page.mouse.up();
  }
}
