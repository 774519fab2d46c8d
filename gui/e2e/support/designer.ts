//! The designer's canvas as hands use it: cards and ports are found where they are seen.
import type { Locator, Page } from 'playwright-core';

export type Point = { readonly x: number; readonly y: number };

const middle = async (of: Locator): Promise<Point> => {
  const box = await of.boundingBox();
  if (!box) throw new Error(`${of} is not to be seen`);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
};

/** Drags with the mouse, in steps, as a hand does. */
export async function drag(page: Page, from: Point, to: Point): Promise<void> {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move((from.x + to.x) / 2, (from.y + to.y) / 2, { steps: 8 });
  await page.mouse.move(to.x, to.y, { steps: 8 });
  await page.mouse.up();
}

/** A workflow on the canvas. */
export class Canvas {
  readonly board: Locator;

  constructor(readonly page: Page) {
    this.board = page.getByRole('application', { name: 'Canvas of the workflow' });
  }

  /** The card with this name. */
  card(name: string): Locator {
    return this.board.getByRole('button', { name: new RegExp(`^${name}\\b`) });
  }

  /** Drags a component out of the palette to a place beside a card. */
  async place(component: string, { beside, by }: { beside: string; by: Point }): Promise<void> {
    await this.page.getByRole('searchbox', { name: 'Find a component' }).fill(component);
    const entry = this.page.getByRole('button', { name: `Add ${component}`, exact: true });
    const at = await middle(this.card(beside));
    await drag(this.page, await middle(entry), { x: at.x + by.x, y: at.y + by.y });
    await this.card(component).waitFor();
  }

  /** Gives the card another name, in place. */
  async rename(card: string, name: string): Promise<void> {
    await this.card(card).click();
    await this.page.keyboard.press('F2');
    await this.page.getByRole('textbox', { name: 'Rename' }).fill(name);
    await this.page.keyboard.press('Enter');
    await this.card(name).waitFor();
  }

  /** The dot of a port, found by its name on the edge of a card. */
  async port(card: string, side: 'in' | 'out', port: string): Promise<Point> {
    const box = await this.card(card).boundingBox();
    if (!box) throw new Error(`There is no card ${card}`);
    const edge = side === 'in' ? box.x : box.x + box.width;
    for (const dot of await this.board.getByTitle(`${port}: ${side}put`).all()) {
      const at = await middle(dot);
      if (Math.abs(at.x - edge) < 12 && at.y > box.y && at.y < box.y + box.height) return at;
    }
    throw new Error(`There is no port ${port} on ${card}`);
  }

  /** Draws a wire with the mouse. */
  async wire(from: string, out: string, to: string, into: string): Promise<void> {
    await drag(this.page, await this.port(from, 'out', out), await this.port(to, 'in', into));
  }

  /** Selects a card; its panel. */
  async open(card: string): Promise<Locator> {
    await this.card(card).click();
    const panel = this.page.getByRole('region', { name: card, exact: true });
    await panel.waitFor();
    return panel;
  }

  /** Opens a part of the panel below the canvas. */
  async below(part: 'Run' | 'Logs' | 'Data' | 'Problems' | 'Versions'): Promise<void> {
    const panel = this.page.getByRole('region', { name: 'Run, logs, data, problems' });
    const name = new RegExp(`^${part}\\b`);
    await panel.getByRole('button', { name }).or(panel.getByRole('tab', { name })).first().click();
  }

  /** Waits until the node has everything. */
  async isSaved(): Promise<void> {
    await this.page.getByRole('status').getByText('Live', { exact: true }).waitFor();
  }

  /** Runs the whole workflow; comes back once it is said that it runs, or has run already. */
  async run(): Promise<void> {
    const said = this.page.getByRole('status').getByText(/^Run (started|succeeded)$/);
    await said.waitFor({ state: 'detached' });
    await this.page.getByRole('button', { name: 'Run', exact: true }).first().click();
    await said.waitFor();
  }

  /** The numbers that stand on the wires, smallest first. */
  async countsOnWires(): Promise<string[]> {
    const texts = await this.board.locator('svg text').allTextContents();
    return texts.sort();
  }
}
