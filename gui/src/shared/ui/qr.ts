//! QR codes (ISO/IEC 18004) of texts, with error correction level M: bytes only, versions 1 to 20.

/** Codewords for correction in each block, and how many blocks there are, by version. */
const CORRECTION = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26] as const;
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16] as const;
const VERSION_MAX = 20;

/** Rows of modules, true for dark. None when the text is too long. */
export function qrOf(text: string): readonly (readonly boolean[])[] | undefined {
  const bytes = new TextEncoder().encode(text);
  for (let version = 1; version <= VERSION_MAX; version += 1) {
    const lengthBits = version < 10 ? 8 : 16;
    if (4 + lengthBits + bytes.length * 8 > dataCodewords(version) * 8) continue;
    return drawn(version, interleaved(version, padded(version, bytes, lengthBits)));
  }
  return undefined;
}

function rawModules(version: number): number {
  const aligned = Math.floor(version / 7) + 2;
  const alignment = version < 2 ? 0 : (25 * aligned - 10) * aligned - 55;
  return (16 * version + 128) * version + 64 - alignment - (version >= 7 ? 36 : 0);
}

const correctionOf = (version: number): number => CORRECTION[version] ?? 0;
const blocksOf = (version: number): number => BLOCKS[version] ?? 0;
const dataCodewords = (version: number): number =>
  Math.floor(rawModules(version) / 8) - correctionOf(version) * blocksOf(version);

/** The data: mode, length, bytes, an end, and filling. */
function padded(version: number, bytes: Uint8Array, lengthBits: number): number[] {
  const bits: number[] = [];
  const put = (value: number, length: number) => {
    for (let at = length - 1; at >= 0; at -= 1) bits.push((value >>> at) & 1);
  };
  put(4, 4);
  put(bytes.length, lengthBits);
  for (const byte of bytes) put(byte, 8);
  const room = dataCodewords(version) * 8;
  put(0, Math.min(4, room - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  for (let filler = 0xec; bits.length < room; filler ^= 0xec ^ 0x11) put(filler, 8);
  return Array.from({ length: bits.length / 8 }, (_, at) =>
    bits.slice(at * 8, at * 8 + 8).reduce((sum, bit) => sum * 2 + bit, 0),
  );
}

/** Multiplies in GF(2⁸) modulo x⁸ + x⁴ + x³ + x² + 1. */
function times(one: number, other: number): number {
  let product = 0;
  for (let at = 7; at >= 0; at -= 1)
    product = (product << 1) ^ ((product >>> 7) * 0x11d) ^ (((other >>> at) & 1) * one);
  return product;
}

function divisorOf(degree: number): number[] {
  const divisor = [...Array<number>(degree - 1).fill(0), 1];
  let root = 1;
  for (let step = 0; step < degree; step += 1) {
    for (let at = 0; at < degree; at += 1) divisor[at] = times(divisor[at] ?? 0, root) ^ (divisor[at + 1] ?? 0);
    root = times(root, 2);
  }
  return divisor;
}

function remainderOf(data: readonly number[], divisor: readonly number[]): number[] {
  const left = divisor.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ (left.shift() ?? 0);
    left.push(0);
    divisor.forEach((coefficient, at) => {
      left[at] = (left[at] ?? 0) ^ times(coefficient, factor);
    });
  }
  return left;
}

/** Blocks with their correction, taken in turns. */
function interleaved(version: number, data: readonly number[]): number[] {
  const [count, correction] = [blocksOf(version), correctionOf(version)];
  const raw = Math.floor(rawModules(version) / 8);
  const short = Math.floor(raw / count) - correction;
  const shortCount = count - (raw % count);
  const divisor = divisorOf(correction);
  const blocks: { readonly data: readonly number[]; readonly correction: readonly number[] }[] = [];
  let from = 0;
  for (let block = 0; block < count; block += 1) {
    const part = data.slice(from, from + short + (block < shortCount ? 0 : 1));
    from += part.length;
    blocks.push({ data: part, correction: remainderOf(part, divisor) });
  }
  const taken: number[] = [];
  const take = (list: (block: (typeof blocks)[number]) => readonly number[], length: number) => {
    for (let at = 0; at < length; at += 1) {
      for (const block of blocks) {
        const word = list(block)[at];
        if (word !== undefined) taken.push(word);
      }
    }
  };
  take((block) => block.data, short + 1);
  take((block) => block.correction, correction);
  return taken;
}

const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

class Grid {
  readonly dark: boolean[][];
  private readonly fixed: boolean[][];

  constructor(
    readonly version: number,
    readonly size = version * 4 + 17,
  ) {
    this.dark = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
    this.fixed = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  }

  private set(x: number, y: number, isDark: boolean): void {
    const [row, marks] = [this.dark[y], this.fixed[y]];
    if (!row || !marks || x < 0 || x >= this.size) return;
    row[x] = isDark;
    marks[x] = true;
  }

  /** Everything that is no data, with room for the format. */
  drawPatterns(): void {
    const { size, version } = this;
    for (let at = 0; at < size; at += 1) {
      this.set(6, at, at % 2 === 0);
      this.set(at, 6, at % 2 === 0);
    }
    for (const [x, y] of [
      [3, 3],
      [size - 4, 3],
      [3, size - 4],
    ] as const) {
      for (let dy = -4; dy <= 4; dy += 1) {
        for (let dx = -4; dx <= 4; dx += 1) {
          const ring = Math.max(Math.abs(dx), Math.abs(dy));
          this.set(x + dx, y + dy, ring !== 2 && ring !== 4);
        }
      }
    }
    const places = this.alignments();
    places.forEach((x, column) => {
      places.forEach((y, row) => {
        const last = places.length - 1;
        const isFinder = (column === 0 && (row === 0 || row === last)) || (column === last && row === 0);
        if (isFinder) return;
        for (let dy = -2; dy <= 2; dy += 1)
          for (let dx = -2; dx <= 2; dx += 1) this.set(x + dx, y + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
      });
    });
    this.drawFormat(0);
    if (version < 7) return;
    let rest = version;
    for (let at = 0; at < 12; at += 1) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25);
    const bits = (version << 12) | rest;
    for (let at = 0; at < 18; at += 1) {
      const isDark = ((bits >>> at) & 1) === 1;
      const [far, near] = [size - 11 + (at % 3), Math.floor(at / 3)];
      this.set(far, near, isDark);
      this.set(near, far, isDark);
    }
  }

  private alignments(): number[] {
    const { version, size } = this;
    if (version === 1) return [];
    const count = Math.floor(version / 7) + 2;
    const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
    const places = Array.from({ length: count - 1 }, (_, at) => size - 7 - at * step);
    return [6, ...places.reverse()];
  }

  /** Level M and the mask, twice. */
  drawFormat(mask: number): void {
    const { size } = this;
    let rest = mask;
    for (let at = 0; at < 10; at += 1) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
    const bits = ((mask << 10) | rest) ^ 0x5412;
    const bit = (at: number) => ((bits >>> at) & 1) === 1;
    for (let at = 0; at <= 5; at += 1) this.set(8, at, bit(at));
    this.set(8, 7, bit(6));
    this.set(8, 8, bit(7));
    this.set(7, 8, bit(8));
    for (let at = 9; at < 15; at += 1) this.set(14 - at, 8, bit(at));
    for (let at = 0; at < 8; at += 1) this.set(size - 1 - at, 8, bit(at));
    for (let at = 8; at < 15; at += 1) this.set(8, size - 15 + at, bit(at));
    this.set(8, size - 8, true);
  }

  /** The data, in its zigzag from the lower right. */
  drawData(words: readonly number[]): void {
    const { size } = this;
    let at = 0;
    for (let right = size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      for (let step = 0; step < size; step += 1) {
        const isUp = ((right + 1) & 2) === 0;
        const y = isUp ? size - 1 - step : step;
        for (const x of [right, right - 1]) {
          const row = this.dark[y];
          if (!row || this.fixed[y]?.[x] || at >= words.length * 8) continue;
          row[x] = (((words[at >>> 3] ?? 0) >>> (7 - (at & 7))) & 1) === 1;
          at += 1;
        }
      }
    }
  }

  /** Turns the data over where the mask says; twice is as before. */
  turn(mask: number): void {
    const turns = MASKS[mask];
    this.dark.forEach((row, y) => {
      row.forEach((isDark, x) => {
        if (!this.fixed[y]?.[x] && turns?.(x, y)) row[x] = !isDark;
      });
    });
  }

  /** How hard it is to read: long runs, squares, what looks like a finder, and imbalance. */
  penalty(): number {
    const { size, dark } = this;
    let sum = 0;
    const columns = dark.map((_, x) => dark.map((row) => row[x] ?? false));
    for (const line of [...dark, ...columns]) {
      const text = line.map((isDark) => (isDark ? '1' : '0')).join('');
      for (const run of text.match(/0{5,}|1{5,}/g) ?? []) sum += run.length - 2;
      const around = `0000${text}0000`;
      for (const pattern of ['00001011101', '10111010000'])
        for (let at = around.indexOf(pattern); at >= 0; at = around.indexOf(pattern, at + 1)) sum += 40;
    }
    let darkCount = 0;
    for (let y = 0; y < size; y += 1) {
      for (let x = 0; x < size; x += 1) {
        const here = dark[y]?.[x];
        if (here) darkCount += 1;
        if (here === dark[y]?.[x + 1] && here === dark[y + 1]?.[x] && here === dark[y + 1]?.[x + 1]) sum += 3;
      }
    }
    const total = size * size;
    return sum + Math.max(0, Math.ceil(Math.abs(darkCount * 20 - total * 10) / total) - 1) * 10;
  }
}

function drawn(version: number, words: readonly number[]): boolean[][] {
  const grid = new Grid(version);
  grid.drawPatterns();
  grid.drawData(words);
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (let mask = 0; mask < MASKS.length; mask += 1) {
    grid.turn(mask);
    grid.drawFormat(mask);
    const penalty = grid.penalty();
    if (penalty < least) [best, least] = [mask, penalty];
    grid.turn(mask);
  }
  grid.turn(best);
  grid.drawFormat(best);
  return grid.dark;
}
