//! The designer's commands as the palette (Mod+K) and the help of keys (?) list them.
import { useMemo } from 'react';
import { useCanEdit } from '@/shared/document/use-editor';
import { useMessages } from '@/shared/i18n/messages';
import { type Command, useCommands } from '@/shared/ui/commands';
import { bindingOf, COMMAND_IDS, type CommandId } from './keymap';
import type { Bench } from './use-designer-model';

/** What only makes sense with the focus on the canvas: told in the help, not offered in the palette. */
const ONLY_KEYS = /^(walk|move|size|select\.(up|down|wires))|^(open|back)$/;

export function useOfferedHere({ commands, designer, model }: Bench): void {
  const t = useMessages();
  const canEdit = useCanEdit(designer.editor);
  const offered = useMemo(() => {
    const list: Command[] = [];
    const byLabel = new Map<string, Command>();
    for (const id of COMMAND_IDS) {
      const binding = bindingOf(id);
      if (binding.isEdit && !canEdit) continue;
      const title = t(binding.label);
      const keys = binding.keys.length > 0 ? binding.keys.join(' / ') : undefined;
      const known = byLabel.get(title);
      // Four arrows that do the same are one line of the help.
      if (known && keys !== undefined) {
        const arrows = keys.replace(/Arrow\w+/, '←↑↓→');
        const joined = { ...known, keys: keys.includes('Arrow') ? arrows : `${known.keys} / ${keys}` };
        list[list.indexOf(known)] = joined;
        byLabel.set(title, joined);
        continue;
      }
      const command: Command = {
        id: `designer.${id}`,
        title,
        group: t(binding.section),
        keys,
        isOnlyKeys: ONLY_KEYS.test(id),
        run: () => runLater(commands, id),
      };
      byLabel.set(title, command);
      list.push(command);
    }
    const drag = t('designer.keys.drag');
    const pointer = [
      ['pan', `Space+${drag}`],
      ['zoom', `Mod+${t('designer.keys.wheel')}`],
      ['box', drag],
      ['more', `Shift+${t('designer.keys.click')} / ${t('designer.keys.long')}`],
      ['here', t('designer.keys.double')],
    ] as const;
    for (const [name, keys] of pointer)
      list.push({
        id: `designer.pointer.${name}`,
        title: t(`designer.keys.${name}`),
        group: t('designer.keys.mouse'),
        keys,
        isOnlyKeys: true,
        run: () => {},
      });
    list.push({
      id: 'designer.import',
      title: t('designer.do.import'),
      group: t('designer.keys.edit'),
      isDisabled: !canEdit,
      run: () => model.popup.set({ kind: 'import' }),
    });
    return list;
  }, [t, canEdit, commands, model]);
  useCommands(offered);
}

/** After the palette is gone and the focus is back on the canvas. */
function runLater(commands: Bench['commands'], id: CommandId): void {
  requestAnimationFrame(() => commands[id]());
}
