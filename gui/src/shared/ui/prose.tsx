import { proseParts } from './prose-text';

/** A sentence of a component's manifest: code looks like code, and nothing in it is ever markup of the page. */
export function Prose({ text }: { readonly text: string }) {
  return proseParts(text).map((part, at) =>
    part.kind === 'code' ? (
      <code key={at} className="inline-block max-w-full rounded-control bg-raised px-1 font-mono text-meta">
        {part.text}
      </code>
    ) : part.kind === 'strong' ? (
      <strong key={at}>{part.text}</strong>
    ) : (
      part.text
    ),
  );
}
