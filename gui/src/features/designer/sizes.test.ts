import { expect, test } from 'vitest';
import { FIRST_SIZES, sizesOf } from './sizes';

test('what was kept is what it is next time', () => {
  expect(sizesOf('{"right":420,"bottom":300}')).toEqual({ ...FIRST_SIZES, right: 420, bottom: 300 });
});

test('nothing kept, or something that is no size, gives the first sizes', () => {
  for (const text of [null, '', '{', 'null', '7', '{"right":"wide"}']) expect(sizesOf(text)).toEqual(FIRST_SIZES);
});

test('no part is kept too small to be seen or too large to leave the rest', () => {
  expect(sizesOf('{"right":5,"wide":99,"bottom":10,"input":0}')).toEqual({
    right: 280,
    wide: 85,
    bottom: 120,
    input: 20,
  });
});
