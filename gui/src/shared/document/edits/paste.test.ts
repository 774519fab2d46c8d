import { describe, expect, it } from 'vitest';
import { en } from '../../i18n/en';
import { fill, type Translate } from '../../i18n/messages';
import { alone, PRESET } from '../testing/editors';
import { setConfig, setVariable } from './config';
import { copy, readFragment } from './fragment';
import { addNote, group } from './notes';
import { duplicate, paste } from './paste';

const t: Translate = (key, ...rest) => fill(en[key], (rest[0] ?? {}) as Record<string, string>, 'en');

describe('copy and paste', () => {
  it('give fresh ids, keep the wires inside and the names that steps use of each other', async () => {
    const { editor } = await alone();
    editor.apply('common.close', group('g', ['fetch', 'mail'], 'Both'));
    editor.apply('common.close', addNote('n', { x: 0, y: 100 }, 'hi'));
    const fragment = readFragment(copy(editor.snapshot().preset, ['fetch', 'tidy', 'mail', 'n']), t);
    if (!fragment) throw new Error('it does not read');
    expect(Object.keys(fragment.wires)).toEqual(['fetch:out>tidy:in', 'tidy:out>mail:in']);
    const pasted = paste(editor.snapshot().preset, fragment, { x: 2000, y: 1000 });
    editor.apply('common.close', pasted.edit);
    const { steps = {}, wires = {}, notes = {}, groups = {} } = editor.snapshot().preset;
    expect(Object.keys(steps)).toHaveLength(6);
    expect(pasted.ids).toHaveLength(5);
    const [fetch, mail] = pasted.ids.map((id) => steps[id]);
    expect(fetch?.name).toBe('Fetch 2');
    expect(mail?.config?.text).toBe("{{ $('Fetch 2').item.json.a }}");
    expect(Object.keys(wires)).toHaveLength(5);
    expect(Object.keys(notes)).toHaveLength(2);
    expect(Object.values(groups).map((it) => it.steps.length)).toEqual([2, 2]);
    expect(fetch?.position?.y).toBe(864);
    editor.undo();
    expect(Object.keys(editor.snapshot().preset.steps ?? {})).toHaveLength(3);
  });

  it('bring the variables that the steps read, and leave those that are there', async () => {
    const { editor: from } = await alone();
    const { editor: to } = await alone();
    from.apply('common.close', setVariable('greeting', 'Hi', 'What to say.'));
    from.apply('common.close', setVariable('other', 1));
    from.apply('common.close', setConfig(['steps', 'mail', 'config', 'text'], '{{ $vars.greeting }} {{ $vars.who }}'));
    to.apply('common.close', setVariable('who', 'Ben'));
    const fragment = readFragment(copy(from.snapshot().preset, ['mail']), t);
    expect(Object.keys(fragment?.variables ?? {})).toEqual(['greeting', 'who']);
    if (fragment) to.apply('common.close', paste(to.snapshot().preset, fragment).edit);
    expect(to.snapshot().preset.variables).toEqual({
      greeting: { value: 'Hi', docs: 'What to say.' },
      who: { value: 'Ben' },
    });
  });

  it('duplicates beside what was there', async () => {
    const { editor } = await alone();
    const { edit, ids } = duplicate(editor.snapshot().preset, ['fetch']);
    editor.apply('common.close', edit);
    expect(editor.snapshot().preset.steps?.[ids[0] ?? '']?.position).toEqual({ x: 332, y: 32 });
  });

  it('reads what stands in the code fence of a chat', () => {
    const text = '```json\n{"flowork":"preset/1","name":"x","steps":{"a":{"component":"set"}}}\n```\n';
    expect(Object.keys(readFragment(text, t)?.steps ?? {})).toEqual(['a']);
  });

  it('takes a whole preset with wires as texts', () => {
    const fragment = readFragment(
      JSON.stringify({
        flowork: 'preset/1',
        name: 'x',
        steps: { a: { component: 'set' }, b: { component: 'set' } },
        wires: ['a -> b', 'a:error -> b:in'],
      }),
      t,
    );
    expect(Object.values(fragment?.wires ?? {})).toEqual([
      { from: { step: 'a', port: 'out' }, to: { step: 'b', port: 'in' } },
      { from: { step: 'a', port: 'error' }, to: { step: 'b', port: 'in' } },
    ]);
  });

  it.each(['', 'hello', '[]', '{}', '{"flowork":"fragment/1"}', '{"flowork":"preset/1","steps":{"a":5}}', 'null'])(
    'takes nothing from %j',
    (text) => expect(readFragment(text, t)).toBeUndefined(),
  );
});

const N8N = {
  name: 'Orders',
  nodes: [
    {
      id: '1',
      name: 'Webhook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      parameters: { path: 'Orders/New', httpMethod: 'POST', responseMode: 'responseNode' },
    },
    {
      id: '2',
      name: 'Is large?',
      type: 'n8n-nodes-base.if',
      typeVersion: 2,
      position: [240, 0],
      parameters: {
        conditions: {
          combinator: 'or',
          conditions: [
            { leftValue: '={{ $json.body.amount }}', rightValue: 100, operator: { type: 'number', operation: 'gt' } },
          ],
        },
      },
    },
    {
      id: '3',
      name: 'Ask',
      type: 'n8n-nodes-base.httpRequest',
      typeVersion: 4.2,
      position: [480, -80],
      onError: 'continueErrorOutput',
      credentials: { httpHeaderAuth: { id: 'x', name: 'Shop key' } },
      parameters: {
        method: 'POST',
        url: '=https://shop.test/{{ $node["Webhook"].json.body.id }}',
        sendHeaders: true,
        headerParameters: { parameters: [{ name: 'X-A', value: '1' }] },
        sendBody: true,
        specifyBody: 'json',
        jsonBody: '={"a": 1}',
      },
    },
    {
      id: '4',
      name: 'Slack',
      type: 'n8n-nodes-base.slack',
      typeVersion: 2,
      position: [480, 80],
      parameters: { channel: '#a' },
    },
    {
      id: '5',
      name: 'Loop',
      type: 'n8n-nodes-base.splitInBatches',
      typeVersion: 3,
      position: [720, 0],
      parameters: {},
    },
    {
      id: '6',
      name: 'Code',
      type: 'n8n-nodes-base.code',
      typeVersion: 2,
      position: [960, 0],
      parameters: { jsCode: 'return $input.all()' },
    },
    {
      id: '7',
      name: 'Sticky',
      type: 'n8n-nodes-base.stickyNote',
      typeVersion: 1,
      position: [0, 200],
      parameters: { content: '## Hi', width: 300, height: 100, color: 4 },
    },
    {
      id: '8',
      name: 'Every hour',
      type: 'n8n-nodes-base.scheduleTrigger',
      typeVersion: 1,
      position: [0, 400],
      parameters: {},
    },
  ],
  connections: {
    Webhook: { main: [[{ node: 'Is large?', type: 'main', index: 0 }]] },
    'Every hour': { main: [[{ node: 'Is large?', type: 'main', index: 0 }]] },
    'Is large?': { main: [[{ node: 'Ask', type: 'main', index: 0 }], [{ node: 'Slack', type: 'main', index: 0 }]] },
    Ask: { main: [[{ node: 'Loop', type: 'main', index: 0 }], [{ node: 'Slack', type: 'main', index: 0 }]] },
    Loop: { main: [[], [{ node: 'Code', type: 'main', index: 0 }]] },
    Code: { main: [[{ node: 'Loop', type: 'main', index: 0 }]] },
  },
  pinData: { Ask: [{ json: { ok: true } }] },
};

describe('JSON of n8n', () => {
  const fragment = readFragment(JSON.stringify(N8N), t);
  const steps = Object.fromEntries(Object.values(fragment?.steps ?? {}).map((it) => [it.name, it]));

  it('becomes steps with their settings', () => {
    expect(Object.values(fragment?.triggers ?? {})).toMatchObject([
      { component: 'webhook', config: { path: 'orders/new', method: 'POST', respond: 'with-step' } },
    ]);
    expect(steps['Is large?']).toMatchObject({
      component: 'if',
      config: { rules: [{ left: '{{ $json.body.amount }}', op: 'greater', right: 100 }], combine: 'any' },
    });
    expect(steps.Ask).toMatchObject({
      component: 'http-request',
      on_error: 'port',
      note: 'In n8n it used the credentials Shop key; give it a secret instead.',
      pin: { out: [{ json: { ok: true } }] },
      config: {
        method: 'POST',
        url: "https://shop.test/{{ $('Webhook').item.json.body.id }}",
        headers: { 'X-A': '1' },
        body: { json: { a: 1 } },
      },
    });
    expect(steps.Code?.config?.code).toContain('all: () => $items');
  });

  it('keeps its wires, with ports by name', () => {
    const names = new Map(
      [...Object.entries(fragment?.steps ?? {}), ...Object.entries(fragment?.triggers ?? {})].map(([id, it]) => [
        id,
        it.name,
      ]),
    );
    const wires = Object.values(fragment?.wires ?? {}).map(
      ({ from, to }) => `${names.get(from.step)}:${from.port}>${names.get(to.step)}:${to.port}`,
    );
    expect(wires).toEqual([
      'Webhook:out>Is large?:in',
      'Is large?:true>Ask:in',
      'Is large?:false>Slack:in',
      'Ask:out>Loop:in',
      'Ask:error>Slack:in',
      'Loop:loop>Code:in',
      'Code:out>Loop:back',
    ]);
  });

  it('says in notes what was not known, and leaves a step that passes its input on', () => {
    expect(steps.Slack).toMatchObject({ component: 'no-op' });
    const texts = Object.values(fragment?.notes ?? {}).map((note) => note.text);
    expect(texts).toHaveLength(3);
    expect(texts.join('\n')).toContain('**Slack** was a step of n8n of the kind `n8n-nodes-base.slack`');
    expect(texts.join('\n')).toContain('"channel": "#a"');
    expect(texts.join('\n')).toContain('scheduleTrigger');
    expect(texts).toContain('## Hi');
  });

  it('pastes into a workflow', async () => {
    const { editor } = await alone(PRESET);
    if (!fragment) throw new Error('it does not read');
    editor.apply('common.close', paste(editor.snapshot().preset, fragment, { x: 0, y: 0 }).edit);
    expect(Object.keys(editor.snapshot().preset.steps ?? {})).toHaveLength(3 + 5);
    const ask = Object.values(editor.snapshot().preset.steps ?? {}).find((it) => it.name === 'Ask');
    expect(ask?.config?.url).toBe("https://shop.test/{{ $('Webhook').item.json.body.id }}");
  });
});
