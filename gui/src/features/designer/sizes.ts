//! How large the designer's parts are: this browser's own, kept for the next time.

export type Sizes = {
  /** The panel of what is selected, in pixels. */
  readonly right: number;
  /** The same with input and output beside the form, in parts of a hundred. */
  readonly wide: number;
  /** The lower panel, in pixels. */
  readonly bottom: number;
  /** The input above the output, in parts of a hundred. */
  readonly input: number;
};

const LEAST_AND_MOST: Readonly<Record<keyof Sizes, readonly [number, number]>> = {
  right: [280, 1_200],
  wide: [40, 85],
  bottom: [120, 900],
  input: [20, 80],
};
export const FIRST_SIZES: Sizes = { right: 360, wide: 68, bottom: 280, input: 50 };
const KEY = 'flowork.designer.sizes';

/** What a kept text says; sizes that it does not have, or that make no sense, are as at first. */
export function sizesOf(text: string | null): Sizes {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? '');
  } catch {
    return FIRST_SIZES;
  }
  if (typeof kept !== 'object' || kept === null) return FIRST_SIZES;
  const found: Record<string, number> = { ...FIRST_SIZES };
  for (const [name, [least, most]] of Object.entries(LEAST_AND_MOST)) {
    const size = (kept as Record<string, unknown>)[name];
    if (typeof size === 'number' && Number.isFinite(size)) found[name] = Math.min(most, Math.max(least, size));
  }
  return found as Sizes;
}

export function readSizes(): Sizes {
  try {
    return sizesOf(localStorage.getItem(KEY));
  } catch {
    return FIRST_SIZES;
  }
}

/** Keeps one size. Browsers without storage forget it. */
export function keepSize(name: keyof Sizes, size: number): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...readSizes(), [name]: Math.round(size) }));
  } catch {
    // Nothing is lost but the size.
  }
}
