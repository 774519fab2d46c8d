import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Problem } from '@/shared/ui/states';

type Paged = {
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly isFetchNextPageError: boolean;
  readonly error: unknown;
  readonly fetchNextPage: () => unknown;
};

/** The older ones, where there are some. */
export function More({ of }: { readonly of: Paged }) {
  const t = useMessages();
  if (!of.hasNextPage) return null;
  return (
    <div className="flex flex-col items-center gap-2 border-t border-line p-3">
      {of.isFetchNextPageError && <Problem error={of.error} />}
      <Button disabled={of.isFetchingNextPage} onClick={() => of.fetchNextPage()}>
        {t('receipts.older')}
      </Button>
    </div>
  );
}
