//! One editor for each kind of field.
import type { ReactNode } from 'react';
import type { EditorProps } from '../editor-props';
import type { Kind } from '../schema';
import { AnyEditor, JsonEditor } from './any';
import { CodeFieldEditor, ConditionEditor } from './code';
import { ObjectEditor, UnionEditor } from './group';
import { ListEditor } from './list';
import { MapEditor } from './map';
import { PathEditor, PresetEditor, SecretEditor } from './named';
import { BooleanEditor, ChoiceEditor, NumberEditor, TextEditor } from './simple';
import { CronEditor, DateEditor, DurationEditor, TimeEditor } from './times';

export const EDITORS = {
  text: TextEditor,
  code: CodeFieldEditor,
  number: NumberEditor,
  boolean: BooleanEditor,
  choice: ChoiceEditor,
  list: ListEditor,
  object: ObjectEditor,
  map: MapEditor,
  union: UnionEditor,
  any: AnyEditor,
  duration: DurationEditor,
  time: TimeEditor,
  date: DateEditor,
  cron: CronEditor,
  secret: SecretEditor,
  preset: PresetEditor,
  path: PathEditor,
  condition: ConditionEditor,
  json: JsonEditor,
} as const satisfies { readonly [K in Kind['kind']]: (props: EditorProps<K>) => ReactNode };
