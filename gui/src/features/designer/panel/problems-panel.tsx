import { CircleCheck, GitMerge, OctagonAlert, TriangleAlert } from 'lucide-react';
import { nameOf } from '@/shared/document/edits/cards';
import { useSnapshot } from '@/shared/document/use-editor';
import { useMessages } from '@/shared/i18n/messages';
import { Prose } from '@/shared/ui/prose';
import { Empty, Failed, Loading } from '@/shared/ui/states';
import { useDesigner } from '../context';
import { useProblems } from './problems';

/** Everything that is wrong, worst first; a press leads to the step and the field. */
export function ProblemsPanel() {
  const t = useMessages();
  const designer = useDesigner();
  const preset = useSnapshot(designer.editor, (snapshot) => snapshot.preset);
  const { problems, isChecking, error } = useProblems();
  if (problems.length === 0) {
    if (error) return <Failed error={error} />;
    if (isChecking) return <Loading lines={2} />;
    return (
      <Empty title={t('panel.problems.none')} icon={<CircleCheck aria-hidden className="text-ok" />}>
        <p>{t('panel.problems.none.hint')}</p>
      </Empty>
    );
  }
  return (
    <ul aria-label={t('panel.problems')} aria-busy={isChecking} className="scroll-thin h-full overflow-y-auto p-1">
      {problems.map((problem, at) => {
        const isError = problem.severity === 'error';
        const Icon = problem.isRepair ? GitMerge : isError ? OctagonAlert : TriangleAlert;
        const where = [
          problem.step === undefined ? t('panel.problems.workflow') : nameOf(preset, problem.step),
          ...(problem.path ?? []),
        ].join(' › ');
        const kind = problem.isRepair
          ? t('panel.problems.repair')
          : t(isError ? 'panel.problems.error' : 'panel.problems.warning');
        const line = (
          <>
            <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${isError ? 'text-fail' : 'text-wait'}`} />
            <span className="min-w-0">
              <span className="sr-only">{kind}: </span>
              <span className="font-semibold">{where}</span>
              <span className="block break-words">
                <Prose text={problem.message} />
              </span>
              {problem.hint && (
                <span className="block text-muted">
                  <Prose text={problem.hint} />
                </span>
              )}
            </span>
          </>
        );
        return (
          <li key={at}>
            {problem.step === undefined ? (
              <div className="flex gap-2 px-2 py-1.5">{line}</div>
            ) : (
              <button
                type="button"
                className="flex w-full gap-2 rounded-control px-2 py-1.5 text-left hover:bg-raised focus-visible:-outline-offset-2"
                onClick={() => problem.step !== undefined && designer.show(problem.step, problem.place)}
              >
                {line}
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
