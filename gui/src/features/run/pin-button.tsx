import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Pin } from 'lucide-react';
import { fetchDraft, putDraft } from '@/shared/api/requests/draft';
import { fetchLightPage } from '@/shared/api/requests/job-items';
import { presetsQuery } from '@/shared/api/requests/presets';
import type { Item } from '@/shared/api/types';
import { useMessages } from '@/shared/i18n/messages';
import { Button } from '@/shared/ui/button';
import { Problem } from '@/shared/ui/states';

/** The most items, and characters of their JSON, that a draft holds as a pin. */
const ITEMS_MAX = 1_000;
const CHARS_MAX = 1 << 20;

type PinButtonProps = {
  readonly job: string;
  readonly run: string;
  readonly step: string;
  readonly name: string;
  readonly port: string;
  readonly total: number;
  /** The draft that ran, and its name. */
  readonly preset: string;
};

/** Writes what came out into the draft, so that the step gives it from now on instead of running. */
export function PinButton({ job, run, step, name, port, total, preset }: PinButtonProps) {
  const t = useMessages();
  const drafts = useQuery(presetsQuery);
  const draft = drafts.data?.find((it) => it.id === preset);
  const pin = useMutation({
    mutationFn: async () => {
      const items: Item[] = [];
      while (items.length < total) {
        const page = await fetchLightPage({ job, run, side: 'out', port, offset: items.length }, undefined, ITEMS_MAX);
        if (page.items.length === 0) break;
        items.push(...(page.items as Item[]));
        if (JSON.stringify(items).length > CHARS_MAX) throw new Error(t('run.pin.too_large'));
      }
      const { preset: now } = await fetchDraft(preset);
      const held = now.steps?.[step];
      if (!held) throw new Error(t('run.pin.gone', { name }));
      const steps = { ...now.steps, [step]: { ...held, pin: { ...held.pin, [port]: items } } };
      await putDraft(preset, { ...now, steps }, t('run.pin.message', { name }));
    },
  });
  // Runs of files and of pages have no draft that could hold a pin.
  if (!draft || total === 0) return null;
  if (pin.isSuccess)
    return (
      <p role="status" className="text-pin">
        {t('run.pin.done')}{' '}
        <Link to="/workflows/$preset" params={{ preset }} className="text-accent underline">
          {draft.title || draft.name}
        </Link>
      </p>
    );
  return (
    <>
      <Button
        look="quiet"
        disabled={pin.isPending || total > ITEMS_MAX}
        title={total > ITEMS_MAX ? t('run.pin.too_many', { most: ITEMS_MAX }) : t('run.pin.hint')}
        onClick={() => pin.mutate()}
      >
        <Pin aria-hidden className="size-4 text-pin" />
        {t('run.pin')}
      </Button>
      <Problem error={pin.error} />
    </>
  );
}
