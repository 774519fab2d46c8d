//! Real nodes for journeys: each in a fresh directory, on a free port, ended by its process id.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Api } from './api';
import { type Page, pageOf } from './page-server';

const run = promisify(execFile);
const START_MS = 60_000;
const STOP_MS = 30_000;
const BUILT = fileURLToPath(new URL('../../../target/debug/flowork', import.meta.url));

/** The program under test: `FLOWORK_BIN`, or what cargo built. */
export function binary(): string {
  const { FLOWORK_BIN, CARGO_TARGET_DIR } = process.env;
  if (FLOWORK_BIN) return FLOWORK_BIN;
  const found = [CARGO_TARGET_DIR && join(CARGO_TARGET_DIR, 'debug/flowork'), BUILT].find((it) => it && existsSync(it));
  if (!found) throw new Error('There is no flowork to test: run `cargo build`, or name one in FLOWORK_BIN.');
  return found;
}

/** A node that runs. */
export class TestNode {
  /** Where its page is. */
  url = '';
  /** The login link that it printed when it started last. */
  link = '';
  #process: ChildProcess | undefined;
  #page: Page | undefined;
  #address = '';

  private constructor(
    readonly data: string,
    readonly mesh: 'off' | 'on',
  ) {}

  /** Starts a node in a fresh directory. Only one whose mesh is on knows other nodes; it listens for them on this machine alone. */
  static async start(mesh: 'off' | 'on' = 'off'): Promise<TestNode> {
    const node = new TestNode(await mkdtemp(join(tmpdir(), 'flowork-journey-')), mesh);
    await node.#up('127.0.0.1:0');
    return node;
  }

  /** What it is asked by the owner of the machine, with the token that lies in its directory; a new one after each start. */
  async api(): Promise<Api> {
    return new Api(this.#address, (await readFile(join(this.data, 'run/token'), 'utf8')).trim());
  }

  /** A link that lets one more browser in. */
  async anotherLink(): Promise<string> {
    return this.#onPage(linkIn(await this.terminal('login-link')) ?? '');
  }

  /** A command in the terminal of its machine; what that prints. */
  async terminal(...command: readonly string[]): Promise<string> {
    return (await run(binary(), ['--data', this.data, ...command])).stdout;
  }

  /** Ends the program, as Ctrl-C would; the data stays. */
  async halt(): Promise<void> {
    const ended = this.#process;
    this.#process = undefined;
    if (!ended?.pid || ended.exitCode !== null) return;
    const isOver = new Promise<void>((resolve) => ended.once('exit', () => resolve()));
    process.kill(ended.pid, 'SIGTERM');
    const late = setTimeout(() => ended.kill('SIGKILL'), STOP_MS);
    await isOver;
    clearTimeout(late);
  }

  /** Starts it again at the same address. */
  async again(): Promise<void> {
    await this.#up(this.#address.replace('http://', ''));
  }

  /** Ends it and takes its data away. */
  async stop(): Promise<void> {
    await this.halt();
    await this.#page?.stop();
    await rm(this.data, { recursive: true, force: true });
  }

  #onPage(link: string): string {
    return link.replace(this.#address, this.url);
  }

  async #up(listen: string): Promise<void> {
    const [more, env] =
      this.mesh === 'on'
        ? [['--mesh-listen', '127.0.0.1:0'], process.env]
        : [[], { ...process.env, FLOWORK_MESH: 'off' }];
    const child = spawn(binary(), ['up', '--data', this.data, '--listen', listen, ...more], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
    });
    this.#process = child;
    let said = '';
    const link = await new Promise<string>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`The node printed no login link:\n${said}`)), START_MS);
      const hear = (chunk: Buffer) => {
        said += chunk.toString();
        const found = linkIn(said);
        if (!found) return;
        clearTimeout(late);
        resolve(found);
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('exit', (code) => {
        clearTimeout(late);
        reject(new Error(`The node ended with ${code}:\n${said}`));
      });
    });
    this.#address = new URL(link).origin;
    this.#page ??= await pageOf(this.#address);
    this.url = this.#page.url;
    this.link = this.#onPage(link);
  }
}

const linkIn = (said: string): string | undefined => /(http:\S+#login=\w+)\s/.exec(said)?.[1];
