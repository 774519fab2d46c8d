//! A webhook for people: where it listens, how to call it, what a call looks like as an item.
import type { Trigger } from '@/shared/api/types';

export type Hook = {
  readonly method: string;
  readonly path: string;
  readonly address: string;
  /** Whether a caller needs a token of this node. */
  readonly needsToken: boolean;
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The webhook that a trigger is; none when it is another kind. */
export function hookOf(trigger: Trigger, node: string): Hook | undefined {
  if (trigger.component !== 'webhook') return undefined;
  const { path, method, auth } = trigger.config ?? {};
  return {
    method: text(method) || 'POST',
    path: text(path),
    address: `${node}/hooks/${text(path)}`,
    needsToken: auth === 'token',
  };
}

/** One call as the node gives it to the workflow. */
export const sampleCall = ({ method, path }: Hook): object => ({
  method: method === 'ANY' ? 'POST' : method,
  path,
  query: {},
  headers: {},
  body: { example: true },
});

/** How to call it from a shell. */
export function curlOf({ method, address, needsToken }: Hook): string {
  const verb = method === 'ANY' ? 'POST' : method;
  const token = needsToken ? ' -H "authorization: Bearer $TOKEN"' : '';
  const body = verb === 'GET' || verb === 'DELETE' ? '' : ` -H 'content-type: application/json' -d '{"example":true}'`;
  return `curl -X ${verb} ${address}${token}${body}`;
}
