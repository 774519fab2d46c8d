//! Written by hand until the node's OpenAPI has it: replace by `api.POST('/api/v1/expressions/preview', …)` then.
import { nodeAddress } from '../../auth/node-address';
import { nodeFetch } from '../client';
import { ApiError } from '../problem';
import type { Failure, Item } from '../types';

export type ExpressionAsk = {
  readonly text: string;
  readonly input: readonly Item[];
  readonly item: number;
  readonly variables: Readonly<Record<string, unknown>>;
  /** What other steps gave, by the names that `$('…')` takes. */
  readonly steps: Readonly<Record<string, readonly Item[]>>;
};
export type ExpressionAnswer = { readonly value?: unknown } | { readonly error: Failure };

/** A template as the step would see it. The node works it out. */
export async function previewExpression(ask: ExpressionAsk, signal?: AbortSignal): Promise<ExpressionAnswer> {
  const answer = await nodeFetch(
    new Request(`${nodeAddress()}/api/v1/expressions/preview`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(ask),
      signal,
    }),
  );
  if (!answer.ok) throw new ApiError(answer.status, await answer.json().catch(() => ({})));
  return (await answer.json()) as ExpressionAnswer;
}
