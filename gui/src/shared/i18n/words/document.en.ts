//! Words of one area; en.ts and id.ts put the areas together.
export const document = {
  'document.n8n_unknown':
    '**{name}** was a step of n8n of the kind `{kind}`, which has no equivalent here. Its settings:',
  'document.n8n_credentials': 'In n8n it used the credentials {names}; give it a secret instead.',
  'document.typing': 'Typing',
} as const;
