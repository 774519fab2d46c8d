/** Sent to an editor's text with a line, counted from 1: it goes there. Whoever sends it need not load the editor. */
export const GO_TO_LINE = 'flowork-line';
