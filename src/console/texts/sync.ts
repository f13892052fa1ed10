/** Texts of the page of a stand-alone migration. */
export const syncText = {
  title: 'Stand-alone migration',
  sides: (from: string, to: string) => `${from} → ${to}`,
  none: 'No migration runs in this process.',
  direction: 'Direction',
  choice: (from: string, fromHosts: string, to: string, toHosts: string) =>
    `from ${from} (${fromHosts}) to ${to} (${toHosts})`,
  reversible: 'Keep a failback',
  reversibleWhy: 'After the cutover, the old source follows every write, so that users can return without losing one.',
  resumes: 'If an earlier process has begun a migration in this direction, it resumes.',
  start: 'Start…',
  starting: (from: string, to: string, drops: boolean) => ({
    title: `Start the migration from ${from} to ${to}`,
    effect: `Both sides are checked first. Then ${from} is copied, and its changes are followed. Users keep writing to ${from} until you cut over.${
      drops ? ` Everything on ${to} is dropped first.` : ''
    }`,
    submit: 'Start',
  }),
  unlock: 'Enter API token…',
  unlocking: {
    title: 'Enter the API token',
    effect:
      'The process was started with --api-token-file. With its token, this page may change the migration. It forgets the token when it is closed.',
    submit: 'Use token',
  },
  token: 'API token',
  wrongToken: 'This is not the API token of this process.',
  ended: 'The process does not answer. If it has ended, its terminal says why. The same command resumes the migration.',
} as const;
