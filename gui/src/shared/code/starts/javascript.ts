import type { Starts } from './start';

export const javascript: Starts = {
  start: {
    all: {
      comment: { sign: '//', about: 'all', names: { items: 'items', json: 'json' } },
      code: `const results = items.map((item, at) => ({ ...item.json, position: at + 1 }));
log(\`\${results.length} items\`);
return results;`,
    },
    each: {
      comment: { sign: '//', about: 'each', names: { item: 'item', index: 'index' } },
      code: 'return { ...item.json, position: index + 1 };',
    },
  },
  snippets: [
    { id: 'keep', mode: 'all', code: ({ number }) => `return items.filter((item) => item.json.${number} > 0);` },
    {
      id: 'total',
      mode: 'all',
      code: ({ number }) => `const total = items.reduce((sum, item) => sum + (item.json.${number} ?? 0), 0);
return { items: items.length, total };`,
    },
    {
      id: 'group',
      mode: 'all',
      code: ({ text }) => `const counts = new Map();
for (const item of items) {
  const key = String(item.json.${text});
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
return [...counts].map(([key, count]) => ({ ${text}: key, count }));`,
    },
    {
      id: 'outputs',
      mode: 'all',
      output: 'rest',
      code: ({ text }) => `set_output('rest', items.filter((item) => !item.json.${text}));
return items.filter((item) => item.json.${text});`,
    },
    {
      id: 'file',
      mode: 'all',
      code: () => `const fs = require('node:fs');
fs.writeFileSync('out/items.json', JSON.stringify(items.map((item) => item.json)));
return { json: { items: items.length }, files: { data: 'out/items.json' } };`,
    },
    { id: 'keep', mode: 'each', code: ({ number }) => `if (item.json.${number} > 0) return item;` },
    {
      id: 'split',
      mode: 'each',
      code: ({ text }) => `const words = String(item.json.${text} ?? '').split(/\\s+/).filter(Boolean);
return words.map((word) => ({ word }));`,
    },
  ],
};
