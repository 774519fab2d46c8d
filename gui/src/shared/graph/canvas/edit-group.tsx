import type { NodeProps } from '@xyflow/react';
import { memo } from 'react';
import { useMessages } from '../../i18n/messages';
import { FRAME_TITLE } from '../grid';
import { NameField } from './edit-card';
import { useEdit, useIs } from './edit-context';
import type { GroupNode } from './flow-nodes';
import { TINTS } from './tints';

/** The frame around the steps of a group. Dragging its title drags them all. */
function EditGroup({ data: { group }, width, height, selected }: NodeProps<GroupNode>) {
  const t = useMessages();
  const { writing, canEdit, on } = useEdit();
  const isWriting = useIs(writing, group.id);
  const tint = TINTS[group.colour];
  return (
    <div
      style={{ width, height }}
      className={`rounded-card border-2 ${selected ? 'border-accent' : tint.border} ${tint.wash}`}
    >
      <button
        type="button"
        tabIndex={-1}
        data-card={group.id}
        aria-pressed={selected}
        style={{ height: FRAME_TITLE }}
        className="pointer-events-auto flex max-w-full cursor-grab items-center gap-2 rounded-card px-2.5 active:cursor-grabbing"
        onDoubleClick={(event) => {
          event.stopPropagation();
          if (canEdit) writing.set(group.id);
        }}
        onContextMenu={(event) => {
          event.preventDefault();
          event.stopPropagation();
          on.menu(group.id, { x: event.clientX, y: event.clientY }, { x: 0, y: 0 });
        }}
      >
        <span className="truncate font-semibold">{group.title || t('designer.group.untitled')}</span>
        <span className="text-meta text-muted">{group.steps.length}</span>
      </button>
      {isWriting && <NameField id={group.id} name={group.title} className="absolute top-0.5 left-1 h-7 w-60" />}
    </div>
  );
}

export default memo(EditGroup);
