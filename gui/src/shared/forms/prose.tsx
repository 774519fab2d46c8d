/** A sentence of a component's manifest: what stands between backticks is code. */
export function Prose({ text }: { readonly text: string }) {
  return text.split('`').map((part, at) =>
    at % 2 === 1 ? (
      <code key={at} className="rounded-control bg-raised px-1 font-mono text-meta">
        {part}
      </code>
    ) : (
      part
    ),
  );
}
