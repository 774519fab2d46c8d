//! The run that the canvas shows: followed live from its first event, told at most once a frame.
import { fetchVersion } from '@/shared/api/requests/version';
import type { Preset } from '@/shared/api/types';
import type { DrawnPreset } from '@/shared/document/types';
import { LightStore, lights } from '@/shared/graph/card-states';
import type { Graph } from '@/shared/graph/model';
import { isSameWork } from '@/shared/graph/preset-diff';
import { RunHistory } from '@/shared/history/run-history';
import type { View } from '@/shared/history/view';

export class RunStore {
  readonly lights = new LightStore();
  private id: string | undefined;
  private seen: View | undefined;
  private history: RunHistory | undefined;
  private stop: AbortController | undefined;
  private graph: Graph = { cards: [], wires: [] };
  private drawn: DrawnPreset | undefined;
  /** What ran, once it is read. */
  private ran: { readonly version: string; readonly preset?: Preset } | undefined;
  private readonly listeners = new Set<() => void>();

  readonly job = (): string | undefined => this.id;
  readonly view = (): View | undefined => this.seen;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly choose = (job: string | undefined): void => {
    if (job === this.id) return;
    this.close();
    this.id = job;
    this.seen = undefined;
    if (job !== undefined) this.follow(job);
    this.light();
    this.tell();
  };

  /** The picture whose cards and wires light up, and what it is drawn from. */
  readonly draw = (graph: Graph, drawn: DrawnPreset): void => {
    if (graph === this.graph && drawn === this.drawn) return;
    this.graph = graph;
    this.drawn = drawn;
    this.light();
    this.tell();
  };

  /** Why the run cannot be read, if it cannot. */
  readonly error = (): unknown => this.history?.progress().error;
  readonly isLive = (): boolean => this.history?.progress().feed.kind === 'live';

  close(): void {
    this.stop?.abort();
    this.stop = undefined;
    this.history = undefined;
  }

  /** Goes on after a pause: whoever was signed out in between misses nothing. */
  again(): void {
    const { id } = this;
    if (id === undefined || !this.history) return;
    this.stop?.abort();
    this.stop = new AbortController();
    void this.history.start(this.stop.signal);
  }

  private follow(job: string): void {
    const history = new RunHistory(job);
    this.history = history;
    this.stop = new AbortController();
    let lastSeq = 0;
    history.subscribe(() => {
      if (this.history !== history) return;
      const progress = history.progress();
      if (progress.lastSeq !== lastSeq) {
        lastSeq = progress.lastSeq;
        this.seen = history.timeline.newest();
        this.readVersion();
        this.light();
      }
      this.tell();
    });
    void history.start(this.stop.signal);
  }

  private light(): void {
    this.lights.set(this.seen ? lights(this.graph, this.seen, this.isOld) : { cards: new Map(), wires: new Map() });
  }

  /** Whether a step is no longer the one that ran. Until it is known what ran, nothing is said. */
  readonly isOld = (step: string): boolean => {
    const ran = this.ran?.preset;
    return ran !== undefined && this.drawn !== undefined && !isSameWork(ran, this.drawn as Preset, step);
  };

  private readVersion(): void {
    const version = this.seen?.submission?.version;
    if (version === undefined || this.ran?.version === version || !this.stop) return;
    this.ran = { version };
    fetchVersion(version, this.stop.signal).then(
      ({ preset }) => {
        if (this.ran?.version !== version) return;
        this.ran = { version, preset };
        this.light();
        this.tell();
      },
      () => {
        // Asked again with the next event.
        if (this.ran?.version === version) this.ran = undefined;
      },
    );
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
