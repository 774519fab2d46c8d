//! What the node's own check says of the workflow, what joining edits had to repair, and which steps are named that are not there. Asked once
//! for everybody who looks.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import { checkPreset } from '@/shared/api/requests/check-preset';
import { fetchDraft } from '@/shared/api/requests/draft';
import type { Preset } from '@/shared/api/types';
import { lostMentions } from '@/shared/document/edits/mentions';
import type { DocPlace } from '@/shared/document/types';
import { useSnapshot, useSync } from '@/shared/document/use-editor';
import { useRested } from '@/shared/forms/preview';
import { pathOf } from '@/shared/forms/target';
import { useMessages } from '@/shared/i18n/messages';
import { useDesigner } from '../context';

export type PanelProblem = {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint?: string | undefined;
  /** The step or trigger that it is about. */
  readonly step?: string | undefined;
  /** Where in its config. */
  readonly path?: readonly string[] | undefined;
  /** Where in the document. */
  readonly place?: DocPlace | undefined;
  /** Whether joining the edits of two people brought it. */
  readonly isRepair: boolean;
};

const CHECK_REST_MS = 400;
const REPAIRS_REST_MS = 2_000;

/** What the node takes: a preset without what is only drawn. */
export function checkable({ notes: _, groups: __, ...preset }: Preset & { notes?: unknown; groups?: unknown }): Preset {
  return preset;
}

/** The step and the path in its config that a pointer leads to. */
export function placed(pointer: string): Pick<PanelProblem, 'step' | 'path' | 'place'> {
  const place = pathOf(pointer);
  const [of, step, part, ...path] = place;
  if ((of !== 'steps' && of !== 'triggers') || step === undefined) return {};
  return part === 'config' && path.length > 0 ? { step, path, place } : { step, place };
}

/** A repair names its place in backticks: `/steps/fetch/config/url`. */
function repairOf(text: string): PanelProblem {
  const place = /`(\/[^`]+)`/.exec(text)?.[1] ?? '';
  return { severity: 'warning', message: text, isRepair: true, ...placed(place) };
}

const NONE: readonly PanelProblem[] = [];

export type Problems = {
  readonly problems: readonly PanelProblem[];
  readonly errors: number;
  readonly isChecking: boolean;
  readonly error: unknown;
};

/** The problems of the workflow as it is now; at most some hundred milliseconds behind the typing. */
export function useProblems(): Problems {
  const t = useMessages();
  const { editor, problems: counts } = useDesigner();
  const heads = useSnapshot(editor, (snapshot) => snapshot.heads.join());
  const sync = useSync(editor);
  const rested = useRested(heads, CHECK_REST_MS);
  const settled = useRested(heads, REPAIRS_REST_MS);
  const isThere = sync !== 'opening' && sync !== 'gone' && heads !== '';
  const checked = useQuery({
    queryKey: ['check', editor.id, rested],
    queryFn: ({ signal }) => checkPreset(checkable(editor.snapshot().preset), signal),
    enabled: isThere,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 60_000,
  });
  const repaired = useQuery({
    queryKey: ['repairs', editor.id, settled],
    queryFn: async ({ signal }) => (await fetchDraft(editor.id, signal)).repairs,
    enabled: isThere && sync === 'live' && editor.id !== 'local',
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    gcTime: 60_000,
    retry: false,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: mentions are read when the document has rested, as the node is asked.
  const problems = useMemo(() => {
    const found = (checked.data ?? []).map(
      ({ severity, message, suggestion, place }): PanelProblem => ({
        severity,
        message,
        hint: suggestion ?? undefined,
        isRepair: false,
        ...placed(place),
      }),
    );
    // The node sees only at the run that nothing of this name has given anything.
    const lost = lostMentions(editor.snapshot().preset).map(
      ({ of, id, path, name }): PanelProblem => ({
        severity: 'warning',
        message: t('panel.problems.lost', { name }),
        hint: t('panel.problems.lost.hint'),
        isRepair: false,
        step: id,
        path: path.map(String),
        place: [of, id, 'config', ...path],
      }),
    );
    const all = [...found, ...lost, ...(repaired.data ?? []).map(repairOf)];
    return all.length > 0 ? all : NONE;
  }, [checked.data, repaired.data, rested, editor, t]);
  useEffect(() => {
    const byStep = new Map<string, number>();
    for (const { step } of problems) if (step !== undefined) byStep.set(step, (byStep.get(step) ?? 0) + 1);
    counts.set(byStep);
  }, [problems, counts]);
  return {
    problems,
    errors: problems.filter((it) => it.severity === 'error').length,
    isChecking: rested !== heads || checked.isFetching,
    error: checked.error,
  };
}
