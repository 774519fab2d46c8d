//! What went wrong with a request, in the node's words where it has any.
import type { components } from './schema';

export type Details = components['schemas']['ProblemDetails'];

/** An answer that is no success. */
export class ApiError extends Error {
  override name = 'ApiError';
  constructor(
    readonly status: number,
    readonly details: Partial<Details>,
  ) {
    super(details.detail ?? `the node answered ${status}`);
  }
  get hint(): string | undefined {
    return this.details.hint ?? undefined;
  }
  /** The stable word of the problem, such as `no-job`. */
  get code(): string {
    return this.details.type?.split(':').at(-1) ?? '';
  }
}

/** The node could not be reached at all. */
export class Unreachable extends Error {
  override name = 'Unreachable';
}

export const isSignedOut = (error: unknown): boolean => error instanceof ApiError && error.status === 401;
export const isForbidden = (error: unknown): boolean => error instanceof ApiError && error.status === 403;
export const isMissing = (error: unknown): boolean => error instanceof ApiError && error.status === 404;

/** The data of an answer, or an error that says what the node said. */
export function unwrap<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (answer.response.ok) return answer.data as T;
  const details = answer.error && typeof answer.error === 'object' ? (answer.error as Partial<Details>) : {};
  throw new ApiError(answer.response.status, details);
}
