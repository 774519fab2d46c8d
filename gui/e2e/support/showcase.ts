//! The workflow that the guide's pictures show.
import type { Preset } from '@/shared/api/types';

const CODE = `import datetime

late = []
for item in items:
    invoice = item.json
    due = datetime.date.fromisoformat(invoice["due"])
    invoice["days"] = (datetime.date(2026, 11, 25) - due).days
    if invoice["days"] > 0:
        late.append(invoice)
log(f"{len(late)} of {len(items)} invoices are late")
return {
    "count": len(late),
    "total": sum(invoice["amount"] for invoice in late),
    "late": late,
}`;

const INVOICES = [
  { number: '2026-081', to: 'Ada Lovelace', amount: 420, due: '2026-11-02' },
  { number: '2026-084', to: 'Grace Hopper', amount: 95.5, due: '2026-11-19' },
  { number: '2026-085', to: 'Alan Turing', amount: 1200, due: '2026-12-01' },
  { number: '2026-088', to: 'Annie Easley', amount: 64, due: '2026-11-21' },
];

const at = (column: number, line: number) => ({ x: column * 320, y: line * 112 });

/** Late invoices are added up, somebody is asked, and each is told. */
export const invoices = {
  flowork: 'preset/1',
  name: 'invoices',
  title: 'Invoices to pay',
  docs: '# Invoices to pay\n\nFinds the invoices that are late, adds them up, and asks before anything is paid.',
  variables: { greeting: { value: 'Dear team', docs: 'How the letter begins.' } },
  triggers: {
    start: { component: 'manual', name: 'Start', position: at(0, 0) },
    hook: {
      component: 'webhook',
      name: 'New invoices',
      config: { path: 'invoices', auth: 'token' },
      position: at(0, 1),
    },
  },
  steps: {
    list: {
      component: 'code',
      name: 'Invoices',
      config: { code: `return ${JSON.stringify(INVOICES, null, 2)};` },
      position: at(1, 0),
    },
    sum: { component: 'python', name: 'Add up', config: { code: CODE, effect: 'pure' }, position: at(2, 0) },
    letter: {
      component: 'set',
      name: 'Letter',
      config: {
        fields: {
          subject: '{{ $json.count }} invoices are late',
          text: '{{ $vars.greeting }}, please pay {{ $json.total }} € by Friday.',
        },
      },
      position: at(3, 0),
    },
    ask: {
      component: 'approval',
      name: 'May we pay?',
      config: { title: 'Pay {{ $json.count }} invoices?', message: '{{ $json.text }}' },
      position: at(2, 2),
    },
    paid: { component: 'set', name: 'Paid', config: { fields: { state: 'paid' } }, position: at(3, 2) },
    kept: { component: 'set', name: 'Kept for later', config: { fields: { state: 'open' } }, position: at(3, 3) },
  },
  wires: {
    a: { from: { step: 'start', port: 'out' }, to: { step: 'list', port: 'in' } },
    b: { from: { step: 'hook', port: 'out' }, to: { step: 'list', port: 'in' } },
    c: { from: { step: 'list', port: 'out' }, to: { step: 'sum', port: 'in' } },
    d: { from: { step: 'sum', port: 'out' }, to: { step: 'letter', port: 'in' } },
    e: { from: { step: 'letter', port: 'out' }, to: { step: 'ask', port: 'in' } },
    f: { from: { step: 'ask', port: 'approved' }, to: { step: 'paid', port: 'in' } },
    g: { from: { step: 'ask', port: 'rejected' }, to: { step: 'kept', port: 'in' } },
  },
} as unknown as Preset;
