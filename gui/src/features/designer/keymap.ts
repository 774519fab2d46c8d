//! Every key of the designer, in one table: nothing else listens for keys. The help of keys and the palette tell from here.
import type { PlainKey } from '@/shared/i18n/messages';

/** Where the focus must be. `canvas`: on the canvas or nowhere. `designer`: anywhere that is not a field. `always`: in fields too. */
export type Where = 'canvas' | 'designer' | 'always';

const section = <Section extends PlainKey>(name: Section) => name;
const FIND = section('designer.keys.find');
const MOVE = section('designer.keys.move');
const EDIT = section('designer.keys.edit');
const BUILD = section('designer.keys.build');
const RUN = section('designer.keys.run');
const SEE = section('designer.keys.see');

type Binding = {
  readonly keys: readonly string[];
  readonly where: Where;
  readonly label: PlainKey;
  readonly section: PlainKey;
  /** Whether it changes the workflow: not offered to who may only look. */
  readonly isEdit?: boolean;
};

export const KEYMAP = {
  'walk.left': { keys: ['ArrowLeft'], where: 'canvas', label: 'designer.do.walk', section: MOVE },
  'walk.right': { keys: ['ArrowRight'], where: 'canvas', label: 'designer.do.walk', section: MOVE },
  'walk.up': { keys: ['ArrowUp'], where: 'canvas', label: 'designer.do.walk', section: MOVE },
  'walk.down': { keys: ['ArrowDown'], where: 'canvas', label: 'designer.do.walk', section: MOVE },
  'select.up': { keys: ['Shift+ArrowLeft'], where: 'canvas', label: 'designer.do.select_up', section: MOVE },
  'select.down': { keys: ['Shift+ArrowRight'], where: 'canvas', label: 'designer.do.select_down', section: MOVE },
  'select.all': { keys: ['Mod+A'], where: 'canvas', label: 'designer.do.select_all', section: MOVE },
  'select.wires': { keys: ['W'], where: 'canvas', label: 'designer.do.select_wire', section: MOVE },
  'move.left': { keys: ['Mod+ArrowLeft'], where: 'canvas', label: 'designer.do.move', section: MOVE, isEdit: true },
  'move.right': { keys: ['Mod+ArrowRight'], where: 'canvas', label: 'designer.do.move', section: MOVE, isEdit: true },
  'move.up': { keys: ['Mod+ArrowUp'], where: 'canvas', label: 'designer.do.move', section: MOVE, isEdit: true },
  'move.down': { keys: ['Mod+ArrowDown'], where: 'canvas', label: 'designer.do.move', section: MOVE, isEdit: true },
  'size.left': { keys: ['Alt+ArrowLeft'], where: 'canvas', label: 'designer.do.resize', section: MOVE, isEdit: true },
  'size.right': { keys: ['Alt+ArrowRight'], where: 'canvas', label: 'designer.do.resize', section: MOVE, isEdit: true },
  'size.up': { keys: ['Alt+ArrowUp'], where: 'canvas', label: 'designer.do.resize', section: MOVE, isEdit: true },
  'size.down': { keys: ['Alt+ArrowDown'], where: 'canvas', label: 'designer.do.resize', section: MOVE, isEdit: true },

  add: { keys: ['N'], where: 'canvas', label: 'designer.do.add', section: BUILD, isEdit: true },
  connect: { keys: ['C'], where: 'canvas', label: 'designer.do.connect', section: BUILD, isEdit: true },
  open: { keys: ['Enter'], where: 'canvas', label: 'designer.do.open', section: BUILD },
  rename: { keys: ['F2'], where: 'canvas', label: 'designer.do.rename', section: BUILD, isEdit: true },
  disable: { keys: ['D'], where: 'canvas', label: 'designer.do.disable', section: BUILD, isEdit: true },
  pin: { keys: ['P'], where: 'canvas', label: 'designer.do.pin', section: BUILD, isEdit: true },
  replace: { keys: ['R'], where: 'canvas', label: 'designer.do.replace', section: BUILD, isEdit: true },
  group: { keys: ['Mod+G'], where: 'canvas', label: 'designer.do.group', section: BUILD, isEdit: true },
  ungroup: { keys: ['Mod+Shift+G'], where: 'canvas', label: 'designer.do.ungroup', section: BUILD, isEdit: true },
  note: { keys: ['Shift+S'], where: 'canvas', label: 'designer.do.note', section: BUILD, isEdit: true },
  tidy: { keys: ['Shift+Alt+T'], where: 'canvas', label: 'designer.do.tidy', section: BUILD, isEdit: true },
  'align.left': { keys: [], where: 'canvas', label: 'designer.do.align_left', section: BUILD, isEdit: true },
  'align.top': { keys: [], where: 'canvas', label: 'designer.do.align_top', section: BUILD, isEdit: true },
  'align.right': { keys: [], where: 'canvas', label: 'designer.do.align_right', section: BUILD, isEdit: true },
  'align.bottom': { keys: [], where: 'canvas', label: 'designer.do.align_bottom', section: BUILD, isEdit: true },
  'align.centre': { keys: [], where: 'canvas', label: 'designer.do.align_centre', section: BUILD, isEdit: true },
  'align.middle': { keys: [], where: 'canvas', label: 'designer.do.align_middle', section: BUILD, isEdit: true },
  'spread.x': { keys: [], where: 'canvas', label: 'designer.do.spread_x', section: BUILD, isEdit: true },
  'spread.y': { keys: [], where: 'canvas', label: 'designer.do.spread_y', section: BUILD, isEdit: true },

  undo: { keys: ['Mod+Z'], where: 'designer', label: 'designer.do.undo', section: EDIT, isEdit: true },
  redo: { keys: ['Mod+Shift+Z', 'Mod+Y'], where: 'designer', label: 'designer.do.redo', section: EDIT, isEdit: true },
  duplicate: { keys: ['Mod+D'], where: 'canvas', label: 'designer.do.duplicate', section: EDIT, isEdit: true },
  delete: { keys: ['Delete', 'Backspace'], where: 'canvas', label: 'designer.do.delete', section: EDIT, isEdit: true },
  heal: {
    keys: ['Mod+Delete', 'Mod+Backspace'],
    where: 'canvas',
    label: 'designer.do.heal',
    section: EDIT,
    isEdit: true,
  },

  run: { keys: ['Mod+Enter'], where: 'always', label: 'designer.do.run', section: RUN },
  'run.until': { keys: ['Shift+Enter'], where: 'canvas', label: 'designer.do.run_until', section: RUN },
  'run.only': { keys: ['Alt+Enter'], where: 'canvas', label: 'designer.do.run_only', section: RUN },

  'zoom.in': { keys: ['+', '='], where: 'canvas', label: 'designer.do.zoom_in', section: SEE },
  'zoom.out': { keys: ['-', '−'], where: 'canvas', label: 'designer.do.zoom_out', section: SEE },
  'zoom.whole': { keys: ['0'], where: 'canvas', label: 'designer.do.zoom_whole', section: SEE },
  fit: { keys: ['1'], where: 'canvas', label: 'designer.do.fit', section: SEE },
  'fit.selection': { keys: ['2'], where: 'canvas', label: 'designer.do.fit_selection', section: SEE },
  outline: { keys: ['L'], where: 'canvas', label: 'designer.do.outline', section: SEE },
  palette: { keys: ['B'], where: 'canvas', label: 'designer.do.palette', section: SEE },

  find: { keys: ['/'], where: 'designer', label: 'designer.do.find', section: FIND },
  back: { keys: ['Escape'], where: 'designer', label: 'designer.do.back', section: FIND },
} as const satisfies Readonly<Record<string, Binding>>;

export type CommandId = keyof typeof KEYMAP;
export const COMMAND_IDS = Object.keys(KEYMAP) as CommandId[];
export const bindingOf = (id: CommandId): Binding => KEYMAP[id];

export type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>;

/** What was pressed, as the table writes it. Letters count by what they write, signs without the shift that writes them. */
export function pressedText({ key, code, ctrlKey, metaKey, shiftKey, altKey }: Pressed): string {
  // With Alt a keyboard may write another letter; its place says which it was.
  const letter = altKey && /^Key[A-Z]$/.test(code) ? code.slice(3) : key;
  const isLetter = /^\p{L}$/u.test(letter);
  const isSign = !isLetter && [...letter].length === 1 && letter !== ' ';
  return [
    (ctrlKey || metaKey) && 'Mod',
    shiftKey && !isSign && 'Shift',
    altKey && 'Alt',
    isLetter ? letter.toUpperCase() : letter,
  ]
    .filter(Boolean)
    .join('+');
}

const BY_KEYS: ReadonlyMap<string, CommandId> = new Map(
  COMMAND_IDS.flatMap((id) => bindingOf(id).keys.map((keys) => [keys, id] as const)),
);

/** Where the focus is: in a field, on the canvas, in the list of steps, or elsewhere in the designer. */
export type Focus = 'field' | 'canvas' | 'list' | 'elsewhere';

/** What a list of steps does by itself. */
const OWN_OF_LISTS = /^(Shift\+|Mod\+)?(Arrow\w+|Enter|Delete|Backspace)$/;

/** The command that a key calls with the focus there. */
export function commandOf(pressed: Pressed, focus: Focus): CommandId | undefined {
  const id = BY_KEYS.get(pressedText(pressed));
  if (id === undefined) return undefined;
  const { where } = bindingOf(id);
  if (where === 'always') return id;
  if (focus === 'field') return undefined;
  if (focus === 'list' && OWN_OF_LISTS.test(pressedText(pressed))) return undefined;
  return where === 'designer' || focus !== 'elsewhere' ? id : undefined;
}

const NAMES: Readonly<Record<string, string>> = {
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
  ArrowUp: 'Up',
  ArrowDown: 'Down',
  Escape: 'Esc',
};

/** Keys as the help shows them. */
export const shownKeys = (id: CommandId): string | undefined =>
  bindingOf(id).keys[0]?.replace(/\w+$/, (name) => NAMES[name] ?? name);
