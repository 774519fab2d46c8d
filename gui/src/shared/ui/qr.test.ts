import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { qrOf } from './qr';

const drawn = (text: string) => qrOf(text)?.map((row) => row.map((isDark) => (isDark ? '#' : '.')).join(''));

describe('a QR code', () => {
  // These codes were read back by OpenCV's detector, which shares nothing with this file.
  it('is drawn as readers expect it', () => {
    expect(drawn('hi')).toEqual([
      '#######..####.#######',
      '#.....#..##.#.#.....#',
      '#.###.#.##.##.#.###.#',
      '#.###.#.##..#.#.###.#',
      '#.###.#.#..##.#.###.#',
      '#.....#.##..#.#.....#',
      '#######.#.#.#.#######',
      '........#.###........',
      '#.#####.....#.#####..',
      '.###.#.#..#.#..#....#',
      '..##..##.#.#.#..####.',
      '###.#....#.....##.#..',
      '###.#.#....#.#..#.#.#',
      '........#..####..#..#',
      '#######...#.#.##...#.',
      '#.....#.#######..#..#',
      '#.###.#.#...#..#..#..',
      '#.###.#.###.#..#..#..',
      '#.###.#.#..#.#..###..',
      '#.....#..##....##.#..',
      '#######.#.##.#..####.',
    ]);
  });

  it('grows with its text, block by block', () => {
    const sum = (text: string) =>
      createHash('sha256')
        .update(drawn(text)?.join('\n') ?? '')
        .digest('hex')
        .slice(0, 16);
    expect(['é'.repeat(60), 'x'.repeat(250), 'y'.repeat(500)].map((text) => [drawn(text)?.length, sum(text)])).toEqual([
      [45, 'e91f317561e797eb'],
      [61, '7e5c0ea001df7d22'],
      [85, 'ee77183aa22148c2'],
    ]);
  });

  it('says when a text is too long', () => {
    expect(qrOf('x'.repeat(666))).toHaveLength(97);
    expect(qrOf('x'.repeat(667))).toBeUndefined();
  });
});
