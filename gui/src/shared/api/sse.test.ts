import { describe, expect, it } from 'vitest';
import { SseParser } from './sse';

const read = (...pieces: string[]) => {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

describe('an event stream', () => {
  it('reads the same however it is cut into pieces', () => {
    const text = ': hello\n\nid: 7\nevent: event\ndata: {"a":\ndata: 1}\n\ndata: x\n\n';
    const whole = read(text);
    expect(whole).toEqual([
      { id: '7', event: 'event', data: '{"a":\n1}' },
      { id: '7', event: 'message', data: 'x' },
    ]);
    expect(read(...text)).toEqual(whole);
    expect(read(...text.replaceAll('\n', '\r\n'))).toEqual(whole);
  });

  it('gives nothing for comments and for a message that is not complete', () => {
    expect(read(':\n\n', ': keep-alive\n\n', 'data: half\n')).toEqual([]);
  });
});
