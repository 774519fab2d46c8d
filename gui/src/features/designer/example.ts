//! The example of an empty workflow: small enough to be read at a glance, and it gives something on any machine.
import { pasteText } from './clipboard';
import type { Bench } from './use-designer-model';

const EXAMPLE = {
  flowork: 'fragment/1',
  triggers: { start: { component: 'manual', name: 'By hand', position: { x: 0, y: 0 } } },
  steps: {
    read: {
      component: 'read-file',
      name: 'Read the system',
      config: { path: '/etc/os-release', as: 'lines' },
      position: { x: 320, y: 0 },
    },
    count: {
      component: 'aggregate',
      name: 'Count the lines',
      config: { compute: [{ op: 'count', as: 'lines' }] },
      position: { x: 640, y: 0 },
    },
    say: {
      component: 'set',
      name: 'Say it',
      config: { fields: { text: 'This machine says {{ $json.lines }} lines about itself.' } },
      position: { x: 960, y: 0 },
    },
  },
  wires: {
    a: { from: { step: 'start', port: 'out' }, to: { step: 'read', port: 'in' } },
    b: { from: { step: 'read', port: 'out' }, to: { step: 'count', port: 'in' } },
    c: { from: { step: 'count', port: 'out' }, to: { step: 'say', port: 'in' } },
  },
};

export function addExample({ model, actions }: Bench): void {
  pasteText(model, actions, JSON.stringify(EXAMPLE), { x: 592, y: 32 });
  model.selection.set([]);
  requestAnimationFrame(() => model.canvas.current?.fit('all'));
}
