//! A model server as Ollama and llama.cpp are, without a model: it answers every question with the same words.
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Locator } from 'playwright-core';

/** What each answer is counted as. */
export const TOKENS = { read: 12, written: 7 } as const;

type Question = { readonly model: string; readonly messages: readonly { role: string; content: string }[] };

/** A model server of this machine. */
export class ModelServer {
  /** What it was asked, in order. */
  readonly asked: Question[] = [];

  private constructor(
    readonly url: string,
    private readonly server: Server,
  ) {}

  /** Starts one that has these models, and answers with these words. */
  static async start(models: readonly string[], answer: readonly string[]): Promise<ModelServer> {
    const server = createServer((request, response) => {
      if (request.method === 'GET' && request.url === '/v1/models') {
        const data = models.map((id) => ({ id, object: 'model' }));
        response.setHeader('content-type', 'application/json').end(JSON.stringify({ object: 'list', data }));
        return;
      }
      if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
        response.writeHead(404).end();
        return;
      }
      void bodyOf(request).then((body) => {
        it.asked.push(body as Question);
        response.setHeader('content-type', 'text/event-stream');
        const say = (what: object) => response.write(`data: ${JSON.stringify(what)}\n\n`);
        for (const content of answer) say({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
        say({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
        say({ choices: [], usage: { prompt_tokens: TOKENS.read, completion_tokens: TOKENS.written } });
        response.end('data: [DONE]\n\n');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const it = new ModelServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
    return it;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return JSON.parse(text);
}

/** Types into the dialog that lends a model where its server listens; the field is folded away where one was found without it. */
export async function lookAt(dialog: Locator, address: string): Promise<void> {
  const field = dialog.getByRole('textbox', { name: 'Address of the model server' });
  const folded = dialog.getByText('It listens at another address');
  // Only then it is known whether the field is folded away.
  await dialog.getByText('Looking for model servers…').waitFor({ state: 'hidden' });
  await field.or(folded).first().waitFor();
  if (!(await field.isVisible())) await folded.click();
  await field.fill(address);
  await dialog.page().keyboard.press('Enter');
}
