import type { Field, Kind } from './schema';
import type { Path } from './target';

/** What every editor of a field is given. */
export type EditorProps<K extends Kind['kind'] = Kind['kind']> = {
  readonly field: Extract<Field, { kind: K }>;
  readonly path: Path;
  readonly value: unknown;
  /** The id that the label points to. */
  readonly id: string;
  /** What it is called, for what carries no visible label of its own. */
  readonly label: string;
  readonly describedBy: string | undefined;
  readonly isBad: boolean;
};
