import { useQuery } from '@tanstack/react-query';
import { CalendarDays } from 'lucide-react';
import { totalsQuery } from '@/shared/api/requests/receipts';
import { count } from '@/shared/format/format';
import { currentLocale, useMessages } from '@/shared/i18n/messages';
import { useFriendNames } from '@/shared/mesh/friend-names';
import { MeshReady } from '@/shared/mesh/mesh-ready';
import { Empty } from '@/shared/ui/states';
import { monthsOf } from './months';
import { energyWords, usageWords } from './usage';

const monthName = (month: string): string =>
  new Intl.DateTimeFormat(currentLocale(), { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
    new Date(`${month}-15T00:00:00Z`),
  );

/** Sums by month and friend. */
export function Totals() {
  const t = useMessages();
  const totals = useQuery(totalsQuery);
  const nameOf = useFriendNames();
  return (
    <MeshReady of={totals}>
      {(all) =>
        all.length === 0 ? (
          <Empty icon={<CalendarDays aria-hidden />} title={t('receipts.none')}>
            <p>{t('receipts.none.hint')}</p>
          </Empty>
        ) : (
          monthsOf(all).map(({ month, sums }) => (
            <section key={month} className="border-b border-line last:border-b-0">
              <h2 className="px-4 pt-2.5 text-title">{monthName(month)}</h2>
              <ul className="pb-1.5">
                {sums.map((sum) => (
                  <li
                    key={`${sum.is_given} ${sum.peer}`}
                    className="flex flex-wrap items-baseline gap-x-4 gap-y-0.5 px-4 py-1"
                  >
                    <span className="min-w-0 flex-1 basis-44 break-words">
                      {t(sum.is_given ? 'receipts.for' : 'receipts.by', { name: nameOf(sum.peer) })}
                    </span>
                    <span className="tabular-nums">
                      {t('receipts.calls', { count: sum.calls })}
                      {sum.failed > 0 && (
                        <span className="text-fail"> · {t('receipts.failed_of', { count: count(sum.failed) })}</span>
                      )}
                    </span>
                    <span className="text-muted tabular-nums">
                      {usageWords(t, sum.usage)}
                      {sum.watt_hours != null && (
                        <span title={t('receipts.energy.hint')}> · {energyWords(t, sum.watt_hours)}</span>
                      )}
                    </span>
                  </li>
                ))}
              </ul>
            </section>
          ))
        )
      }
    </MeshReady>
  );
}
