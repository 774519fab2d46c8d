//! The languages of editors, each loaded when it is first shown.
import type { Extension } from '@codemirror/state';

const stream = async (
  load: () => Promise<Parameters<typeof import('@codemirror/language')['StreamLanguage']['define']>[0]>,
) => {
  const [{ StreamLanguage }, parser] = await Promise.all([import('@codemirror/language'), load()]);
  return StreamLanguage.define(parser);
};

const LOADERS: Readonly<Record<string, () => Promise<Extension>>> = {
  javascript: async () => (await import('@codemirror/lang-javascript')).javascript(),
  python: async () => (await import('@codemirror/lang-python')).python(),
  php: async () => (await import('@codemirror/lang-php')).php({ plain: true }),
  bash: () => stream(async () => (await import('@codemirror/legacy-modes/mode/shell')).shell),
  perl: () => stream(async () => (await import('@codemirror/legacy-modes/mode/perl')).perl),
  ruby: () => stream(async () => (await import('@codemirror/legacy-modes/mode/ruby')).ruby),
  json: async () => (await import('@codemirror/lang-json')).json(),
  markdown: async () => (await import('@codemirror/lang-markdown')).markdown(),
  html: async () => (await import('@codemirror/lang-html')).html(),
  css: async () => (await import('@codemirror/lang-css')).css(),
  sql: async () => (await import('@codemirror/lang-sql')).sql(),
};

/** The grammar of a language; nothing for one that is not known. */
export const languageOf = async (name: string): Promise<Extension> => (await LOADERS[name]?.()) ?? [];
