import { api } from '../client';
import { unwrap } from '../problem';
import type { paths } from '../schema';

export type PreviewAsk = NonNullable<
  paths['/api/v1/expressions/preview']['post']['requestBody']
>['content']['application/json'];

/** A text with expressions as the step would see it for one item. The node works it out; a failure is an answer too. */
export const previewExpression = async (ask: PreviewAsk, signal?: AbortSignal) =>
  unwrap(await api.POST('/api/v1/expressions/preview', { body: ask, signal }));
