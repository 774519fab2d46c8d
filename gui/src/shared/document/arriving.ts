//! Text that was brought in elsewhere (the import of the list of workflows) and waits for the designer of one draft to paste
//! it: what is no Flowork preset, such as n8n's JSON, goes through the designer's own paste.

let waiting: { readonly preset: string; readonly text: string } | undefined;

/** Leaves text for the designer that opens `preset` next. */
export function leaveForDesigner(preset: string, text: string): void {
  waiting = { preset, text };
}

/** The text that was left for `preset`, once. The designer pastes it when the document is there. */
export function takeArriving(preset: string): string | undefined {
  if (waiting?.preset !== preset) return undefined;
  const { text } = waiting;
  waiting = undefined;
  return text;
}
