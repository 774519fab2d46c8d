//! The options of a component, read from its config's JSON Schema for people.

export type Option = {
  readonly name: string;
  /** The types of JSON that it takes, null left out. */
  readonly types: readonly string[];
  readonly docs: string;
  readonly isRequired: boolean;
  readonly choices: readonly string[];
  readonly fallback: unknown;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const texts = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((it): it is string => typeof it === 'string');

export function optionsOf(schema: unknown): Option[] {
  if (!isRecord(schema) || !isRecord(schema.properties)) return [];
  const required = new Set(texts(schema.required));
  return Object.entries(schema.properties).map(([name, field]) => {
    const of = isRecord(field) ? field : {};
    const variants = Array.isArray(of.oneOf) ? of.oneOf.filter(isRecord) : [];
    const choices = [...variants.map((it) => it.const), ...(Array.isArray(of.enum) ? of.enum : [])];
    return {
      name,
      types: texts(of.type).filter((it) => it !== 'null'),
      docs: typeof of.description === 'string' ? of.description : '',
      isRequired: required.has(name),
      choices: choices.filter((it): it is string => typeof it === 'string'),
      fallback: of.default ?? undefined,
    };
  });
}
