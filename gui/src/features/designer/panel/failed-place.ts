//! Where in a step's config the node's word for a place is: `line 3`, `code, line 2`, `config.url`.
import { isMap } from '@/shared/document/values';

export type FailedPlace = { readonly path: readonly (string | number)[]; readonly line?: number };

/** The field that a failure names, and the line in it; undefined when it names none that is there. */
export function failedPlace(
  place: string,
  config: Readonly<Record<string, unknown>>,
  code: readonly string[],
): FailedPlace | undefined {
  const line = /^(?:(\w+), )?line (\d+)$/.exec(place);
  if (line) {
    const field = line[1] !== undefined && line[1] in config ? line[1] : code[0];
    return field === undefined ? undefined : { path: [field], line: Number(line[2]) };
  }
  const [root, ...path] = place.split('.');
  if (root !== 'config' || path.length === 0) return undefined;
  if (holds(config, path)) return { path };
  // Some components name what stands inside their one field: `config.total` for `fields.total`.
  const outer = Object.keys(config).find((name) => holds(config[name], path));
  return { path: outer === undefined ? path : [outer, ...path] };
}

function holds(value: unknown, path: readonly string[]): boolean {
  let at = value;
  for (const name of path) {
    if (!isMap(at) && !Array.isArray(at)) return false;
    if (!(name in at)) return false;
    at = (at as Record<string, unknown>)[name];
  }
  return true;
}
