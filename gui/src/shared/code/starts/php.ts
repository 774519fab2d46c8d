import type { Starts } from './start';

export const php: Starts = {
  start: {
    all: {
      comment: { sign: '//', about: 'all', names: { items: '$items', json: 'json' } },
      code: `$results = [];
foreach ($items as $at => $item) {
    $results[] = $item['json'] + ['position' => $at + 1];
}
log_info(count($results) . ' items');
return $results;`,
    },
    each: {
      comment: { sign: '//', about: 'each', names: { item: '$item', index: '$index' } },
      code: "return $item['json'] + ['position' => $index + 1];",
    },
  },
  snippets: [
    {
      id: 'keep',
      mode: 'all',
      code: ({ number }) =>
        `return array_values(array_filter($items, fn ($item) => ($item['json']['${number}'] ?? 0) > 0));`,
    },
    {
      id: 'total',
      mode: 'all',
      code: ({ number }) => `$total = array_sum(array_map(fn ($item) => $item['json']['${number}'] ?? 0, $items));
return ['items' => count($items), 'total' => $total];`,
    },
    {
      id: 'group',
      mode: 'all',
      code: ({ text }) => `$counts = [];
foreach ($items as $item) {
    $key = $item['json']['${text}'] ?? '';
    $counts[$key] = ($counts[$key] ?? 0) + 1;
}
return array_map(fn ($key, $count) => ['${text}' => $key, 'count' => $count], array_keys($counts), $counts);`,
    },
    {
      id: 'outputs',
      mode: 'all',
      output: 'rest',
      code: ({ text }) => `foreach ($items as $item) {
    set_output(empty($item['json']['${text}']) ? 'rest' : 'out', $item);
}`,
    },
    {
      id: 'file',
      mode: 'all',
      code: () => `file_put_contents('out/items.json', json_encode(array_column($items, 'json')));
return ['json' => ['items' => count($items)], 'files' => ['data' => 'out/items.json']];`,
    },
    {
      id: 'keep',
      mode: 'each',
      code: ({ number }) => `if (($item['json']['${number}'] ?? 0) > 0) {
    return $item;
}`,
    },
    {
      id: 'split',
      mode: 'each',
      code: ({ text }) => `$words = preg_split('/\\s+/', $item['json']['${text}'] ?? '', -1, PREG_SPLIT_NO_EMPTY);
return array_map(fn ($word) => ['word' => $word], $words);`,
    },
  ],
};
