//! Words of one area; en.ts and id.ts put the areas together.
export const document = {
  'document.n8n_unknown':
    '**{name}** adalah langkah n8n berjenis `{kind}`, yang tidak ada padanannya di sini. Pengaturannya:',
  'document.n8n_credentials': 'Di n8n langkah ini memakai kredensial {names}; beri rahasia sebagai gantinya.',
  'document.typing': 'Mengetik',
} as const;
