import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = new URL('.', import.meta.url).pathname;

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
  (name) => /\.tsx?$/.test(name) && !name.endsWith('schema.d.ts'),
);

/** The folder of this app that an import leads to, such as `features/runs`. */
function targets(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].flatMap(([, to = '']) => {
    if (to.startsWith('@/')) return [to.slice(2)];
    return to.startsWith('.') ? [relative(src, join(src, file, '..', to))] : [];
  });
}

describe('the arrows between folders', () => {
  it('go from app to features to shared, and never from feature to feature', () => {
    const wrong = files.flatMap((file) =>
      targets(file)
        .filter((to) => {
          const [layer, feature] = file.split('/');
          if (layer === 'shared') return to.startsWith('features/') || to.startsWith('app/');
          if (layer === 'features')
            return to.startsWith('app/') || (to.startsWith('features/') && !to.startsWith(`features/${feature}/`));
          return false;
        })
        .map((to) => `${file} imports ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  it('leave xyflow to one folder', () => {
    const users = files.filter((file) => /from '@xyflow/.test(readFileSync(join(src, file), 'utf8')));
    expect(users.filter((file) => !file.startsWith('shared/graph/canvas/') && file !== 'tidy.test.ts')).toEqual([]);
  });
});

describe('files', () => {
  it('stay readable in one sitting', () => {
    const long = files.filter((file) => readFileSync(join(src, file), 'utf8').split('\n').length > 500);
    // Catalogues are lists, not code.
    expect(long.filter((file) => !file.startsWith('shared/i18n/'))).toEqual([]);
  });
});
