import type { Starts } from './start';

export const ruby: Starts = {
  start: {
    all: {
      comment: { sign: '#', about: 'all_last', names: { items: 'items', json: 'json' } },
      code: `results = items.each_with_index.map { |item, at| item['json'].merge('position' => at + 1) }
log "#{results.size} items"
results`,
    },
    each: {
      comment: { sign: '#', about: 'each_last', names: { item: 'item', index: 'index' } },
      code: "item['json'].merge('position' => index + 1)",
    },
  },
  snippets: [
    {
      id: 'keep',
      mode: 'all',
      code: ({ number }) => `items.select { |item| (item['json']['${number}'] || 0) > 0 }`,
    },
    {
      id: 'total',
      mode: 'all',
      code: ({ number }) => `total = items.sum { |item| item['json']['${number}'] || 0 }
{ 'items' => items.size, 'total' => total }`,
    },
    {
      id: 'group',
      mode: 'all',
      code: ({ text }) => `counts = items.map { |item| item['json']['${text}'] }.tally
counts.map { |key, count| { '${text}' => key, 'count' => count } }`,
    },
    {
      id: 'outputs',
      mode: 'all',
      output: 'rest',
      code: ({ text }) => `found, rest = items.partition { |item| item['json']['${text}'].to_s != '' }
set_output 'rest', rest
found`,
    },
    {
      id: 'file',
      mode: 'all',
      code: ({ text }) => `File.write('out/${text}.txt', items.map { |item| item['json']['${text}'] }.join("\\n"))
{ 'json' => { 'items' => items.size }, 'files' => { 'data' => 'out/${text}.txt' } }`,
    },
    { id: 'keep', mode: 'each', code: ({ number }) => `item if (item['json']['${number}'] || 0) > 0` },
    {
      id: 'split',
      mode: 'each',
      code: ({ text }) => `item['json']['${text}'].to_s.split.map { |word| { 'word' => word } }`,
    },
  ],
};
