//! An editor of a document that is in this tab only: for tests and for trying things without a node.
import { Repo } from '@automerge/automerge-repo/slim';
import type { Preset } from '../api/types';
import { docOf } from './form';
import { HandleEditor } from './handle-editor';
import { drawnOf } from './read';
import type { DrawnPreset, PresetEditor } from './types';
import { loadAutomerge } from './wasm';

/** Opens a preset that no node has. It is always live; nothing is kept. */
export function openLocalEditor(preset: Preset | DrawnPreset): PresetEditor {
  const opening = loadAutomerge().then(() => ({
    ready: Promise.resolve(new Repo().create(docOf(drawnOf(preset as Preset)))),
  }));
  return new HandleEditor('local', opening);
}
