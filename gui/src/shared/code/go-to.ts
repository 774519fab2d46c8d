/** Sent to an editor's text with a `GoTo`: it goes there. Whoever sends it need not load the editor. */
export const GO_TO = 'flowork-go-to';

/** A line, counted from 1, or a place in the text. */
export type GoTo = { readonly line: number } | { readonly at: number };

export const goTo = (text: Element | null | undefined, where: GoTo): void =>
  void text?.dispatchEvent(new CustomEvent(GO_TO, { detail: where }));
