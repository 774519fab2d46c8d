//! The same request for many runs, a few at a time; one that fails does not stop the others.

const AT_ONCE = 4;

export type Done = { readonly done: number; readonly failed: number; readonly error: unknown };

export async function inTurn<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<Done> {
  const left = [...all];
  let [done, failed, error]: [number, number, unknown] = [0, 0, undefined];
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      try {
        await work(one);
        done += 1;
      } catch (caught) {
        failed += 1;
        error ??= caught;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { done, failed, error };
}
