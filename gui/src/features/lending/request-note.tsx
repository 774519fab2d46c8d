import type { AccessRequest } from '@/shared/api/types';

/** What somebody wrote to their request: their words, and marked as such. */
export function RequestNote({ request }: { readonly request: AccessRequest }) {
  if (request.note.trim() === '') return null;
  return (
    <blockquote className="border-l-2 border-control pl-3 break-words whitespace-pre-line text-muted">
      {request.note.trim()}
    </blockquote>
  );
}
