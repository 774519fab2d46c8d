import type { Starts } from './start';

export const python: Starts = {
  start: {
    all: {
      comment: { sign: '#', about: 'all', names: { items: 'items', json: 'json' } },
      code: `results = []
for item in items:
    results.append({**item.json, "position": len(results) + 1})
log(f"{len(results)} items")
return results`,
    },
    each: {
      comment: { sign: '#', about: 'each', names: { item: 'item', index: 'index' } },
      code: 'return {**item.json, "position": index + 1}',
    },
  },
  snippets: [
    {
      id: 'keep',
      mode: 'all',
      code: ({ number }) => `return [item for item in items if (item.json.get("${number}") or 0) > 0]`,
    },
    {
      id: 'total',
      mode: 'all',
      code: ({ number }) => `total = sum(item.json.get("${number}") or 0 for item in items)
return {"items": len(items), "total": total}`,
    },
    {
      id: 'group',
      mode: 'all',
      code: ({ text }) => `counts = {}
for item in items:
    key = str(item.json.get("${text}"))
    counts[key] = counts.get(key, 0) + 1
return [{"${text}": key, "count": count} for key, count in counts.items()]`,
    },
    {
      id: 'outputs',
      mode: 'all',
      output: 'rest',
      code: ({ text }) => `set_output("rest", [item for item in items if not item.json.get("${text}")])
return [item for item in items if item.json.get("${text}")]`,
    },
    {
      id: 'file',
      mode: 'all',
      code: () => `import json

with open("out/items.json", "w") as file:
    json.dump([item.json for item in items], file)
return {"json": {"items": len(items)}, "files": {"data": "out/items.json"}}`,
    },
    {
      id: 'keep',
      mode: 'each',
      code: ({ number }) => `if (item.json.get("${number}") or 0) > 0:
    return item`,
    },
    {
      id: 'split',
      mode: 'each',
      code: ({ text }) => `return [{"word": word} for word in str(item.json.get("${text}") or "").split()]`,
    },
  ],
};
