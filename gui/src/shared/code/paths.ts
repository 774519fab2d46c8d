//! Places in data as expressions say them: `$json.customer.name`, `$json["first name"]`, `$json.lines[0]`.

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

export type DataPath = readonly (string | number)[];

/** One step deeper, as code. */
export const member = (key: string | number): string =>
  typeof key === 'number' ? `[${key}]` : IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;

/** A path below something that code names. */
export const pathCode = (root: string, path: DataPath): string => root + path.map(member).join('');

/** What the expression for a field of the items looks like. `step` names another step than the one before. */
export const dataCode = (path: DataPath, step?: string): string =>
  pathCode(step === undefined ? '$json' : `$(${JSON.stringify(step)}).item.json`, path);

/** The same with braces around it, as fields of forms hold it. */
export const dataTemplate = (path: DataPath, step?: string): string => `{{ ${dataCode(path, step)} }}`;

/** A path with dots, as fields that take names of fields read it (node/components/src/dotted.rs); undefined when it has no such form. */
export function dotted(path: DataPath): string | undefined {
  if (path.length === 0 || path.some((key) => typeof key === 'string' && (key === '' || /[.[\]]/.test(key))))
    return undefined;
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  );
}

/** What stands at a path of a value. */
export function valueAt(value: unknown, path: DataPath): unknown {
  let at: unknown = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

/** Reads code such as `.customer["first name"][0]` back into a path; undefined when it is anything else. */
export function readMembers(code: string): (string | number)[] | undefined {
  const path: (string | number)[] = [];
  let rest = code;
  while (rest !== '') {
    const found =
      /^\??\.([A-Za-z_$][\w$]*)|^(?:\?\.)?\[(\d+)\]|^(?:\?\.)?\[("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\]/.exec(rest);
    if (!found) return undefined;
    const [all, name, index, quoted] = found;
    if (name !== undefined) path.push(name);
    else if (index !== undefined) path.push(Number(index));
    else if (quoted !== undefined) path.push(unquote(quoted));
    rest = rest.slice(all.length);
  }
  return path;
}

function unquote(quoted: string): string {
  if (quoted.startsWith('"')) {
    try {
      return JSON.parse(quoted) as string;
    } catch {
      return quoted.slice(1, -1);
    }
  }
  return quoted.slice(1, -1).replace(/\\(.)/g, '$1');
}
