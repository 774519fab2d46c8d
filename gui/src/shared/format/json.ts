export type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string };

export function parseJson(text: string): Parsed {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** A value in a field of text: texts as they are, nothing as nothing, anything else as JSON. */
export const asText = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);

/** A value as people type it: what reads as JSON counts as JSON, anything else is a text. */
export function readValue(text: string): unknown {
  const parsed = parseJson(text);
  return parsed.ok ? parsed.value : text;
}

/** The text that [`readValue`] reads as `value`. */
export function writeValue(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value, null, typeof value === 'object' ? 2 : undefined) ?? '';
  // A text that would read as something else keeps its quotes.
  return parseJson(value).ok ? JSON.stringify(value) : value;
}
