import type { Starts } from './start';

/** Bash has no JSON of its own: what is looked into is looked into by letters, or by `jq` where the node has it. */
export const bash: Starts = {
  start: {
    all: {
      comment: { sign: '#', about: 'all_lines', names: {} },
      code: `count=0
while IFS= read -r item; do
  count=$((count + 1))
  printf '{"position": %d, "item": %s}\\n' "$count" "$item"
done
log "$count items"`,
    },
    each: {
      comment: { sign: '#', about: 'each_line', names: { item: '$FLOWORK_ITEM' } },
      code: `printf '{"item": %s}\\n' "$FLOWORK_ITEM"`,
    },
  },
  snippets: [
    { id: 'answer', mode: 'all', code: () => `date +'{"day": "%F", "time": "%T"}'` },
    { id: 'keep', mode: 'all', code: ({ text }) => `grep -F '"${text}":' "$FLOWORK_ITEMS" || true` },
    {
      id: 'jq',
      mode: 'all',
      code: ({ number }) => `jq -cs '{items: length, total: (map(.${number} // 0) | add // 0)}' "$FLOWORK_ITEMS"`,
    },
    {
      id: 'outputs',
      mode: 'all',
      output: 'rest',
      code: ({ text }) => `grep -vF '"${text}":' "$FLOWORK_ITEMS" | set_output rest
grep -F '"${text}":' "$FLOWORK_ITEMS" || true`,
    },
    {
      id: 'file',
      mode: 'all',
      code: () => `cp "$FLOWORK_ITEMS" out/items.jsonl
printf '{"json": {"items": %d}, "files": {"data": "out/items.jsonl"}}\\n' "$(wc -l < out/items.jsonl)"`,
    },
    { id: 'keep', mode: 'each', code: ({ text }) => `grep -F '"${text}":' <<< "$FLOWORK_ITEM" || true` },
  ],
};
