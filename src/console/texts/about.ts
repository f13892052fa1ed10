/** Texts of the page About. */
export const aboutText = {
  server: 'Server',
  version: 'Version',
  health: 'Health',
  answers: 'The API answers.',
  silent: 'The last request failed.',
  api: 'API',
  licence: 'Licence',
  others: 'Included in these pages',
} as const;
