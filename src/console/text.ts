/** Texts that pages share, in English. The server's own texts (gates, reasons, errors) come in its answers. */
export const text = {
  product: 'Linkspan',
  navigation: 'Main',
  migrations: 'Migrations',
  pages: {
    home: 'Migrations',
    new: 'New migration',
    projects: 'Projects',
    agents: 'Agents',
    access: 'Access',
    audit: 'Audit',
    about: 'About',
  },
  loading: 'Loading…',
  notFound: 'There is no such page.',
  notFoundWhy: 'The address is wrong, or your roles do not include the page.',
  noMigration: 'The migration is not shown.',
  toMigrations: 'All migrations',
  unreachable: 'The server did not answer. The page tries again by itself.',
  updated: (ago: string) => `Updated ${ago} ago`,
  timesInUtc: 'times in UTC',
  stale: (ago: string) => `No word from the server for ${ago}. Everything below may have changed since.`,
  copyText: 'Copy',
  copied: 'Copied',
  signIn: {
    title: 'Sign in to Linkspan',
    lead: 'With an API key or a service account of your organization. The first start of linkspan serve printed a key; an owner makes others on the page Access.',
    name: 'Public key or client id',
    secret: 'Private key or secret',
    submit: 'Sign in',
    busy: 'Signing in…',
    ended: 'Your session has ended. Sign in again.',
    plain: 'This connection is not encrypted. Anyone on the network path can read what you enter.',
    signOut: 'Sign out',
    signedInAs: 'Signed in as',
  },
  home: {
    none: 'No migration yet.',
    lag: 'Lag',
    eta: 'Left',
    started: 'Started, UTC',
    ended: 'Ended, UTC',
  },
  chart: {
    period: 'Charts show',
    periods: { hour: 'last hour, UTC', month: 'last 30 days, UTC' },
    sinceOpened: 'since you opened this page',
    table: 'As a table',
    time: 'Time, UTC',
  },
  dialog: {
    back: 'Back',
    close: 'Done',
    once: 'This is shown once. Copy it now.',
    busy: 'Sending…',
    typeName: (name: string) => `Type ${name} to confirm`,
    addressesExpected: 'Give addresses or blocks, such as 10.0.0.7 or 10.0.0.0/8.',
  },
} as const;

/** An error in words for the reader. */
export function messageOf(error: unknown): string {
  if (error instanceof TypeError) return text.unreachable;
  return error instanceof Error ? error.message : String(error);
}
