//! Server-sent events, as text pieces come in. Source: the WHATWG HTML standard, "9.2.6 Interpreting an event stream".

export type Message = { readonly id: string; readonly event: string; readonly data: string };

/** Reads a stream piece by piece; gives the messages that each piece completes. Comments give none. */
export class SseParser {
  private rest = '';
  private id = '';
  private event = '';
  private data: string[] = [];
  private isFirst = true;

  push(piece: string): Message[] {
    if (this.isFirst && piece.length > 0) {
      this.isFirst = false;
      piece = piece.replace(/^\uFEFF/, '');
    }
    const found: Message[] = [];
    let text = this.rest + piece;
    // A lone CR at the end may be the first half of CRLF: wait for what follows.
    const held = text.endsWith('\r') ? '\r' : '';
    text = held ? text.slice(0, -1) : text;
    const lines = text.split(/\r\n|\n|\r/);
    this.rest = (lines.pop() ?? '') + held;
    for (const line of lines) this.line(line, found);
    return found;
  }

  private line(line: string, found: Message[]): void {
    if (line === '') {
      if (this.data.length > 0) found.push({ id: this.id, event: this.event || 'message', data: this.data.join('\n') });
      this.event = '';
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.event = value;
    else if (field === 'id' && !value.includes('\0')) this.id = value;
  }
}
