import {
  ArrowDownNarrowWide,
  Box,
  Braces,
  CircleStop,
  Clock,
  Code,
  CornerDownRight,
  FileText,
  Filter,
  Folder,
  GitBranch,
  GitMerge,
  Globe,
  Hand,
  ListEnd,
  type LucideIcon,
  Play,
  Repeat,
  Reply,
  Sigma,
  SlidersHorizontal,
  Split,
  Terminal,
  UserCheck,
  Webhook,
  Workflow,
} from 'lucide-react';

/** Pictures of components by name, then by category. What is not here gets a plain box. */
const BY_NAME: Readonly<Record<string, LucideIcon>> = {
  aggregate: Sigma,
  approval: UserCheck,
  bash: Terminal,
  filter: Filter,
  'http-request': Globe,
  if: GitBranch,
  json: Braces,
  limit: ListEnd,
  'list-files': Folder,
  loop: Repeat,
  manual: Hand,
  merge: GitMerge,
  'no-op': CornerDownRight,
  respond: Reply,
  set: SlidersHorizontal,
  sort: ArrowDownNarrowWide,
  'split-out': Split,
  'stop-with-error': CircleStop,
  'sub-preset': Workflow,
  switch: GitBranch,
  wait: Clock,
  webhook: Webhook,
};

const BY_CATEGORY: Readonly<Record<string, LucideIcon>> = {
  Code,
  'Files and formats': FileText,
  Network: Globe,
  Triggers: Play,
};

export const iconOf = (component: string, category: string): LucideIcon =>
  BY_NAME[component] ?? BY_CATEGORY[category] ?? Box;
