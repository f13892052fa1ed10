import { apiKeyCommands } from './api-keys.ts';
import { clusterCommands } from './clusters.ts';
import { type AdministrationCommand, under } from './command.ts';
import { eventCommands } from './events.ts';
import { availableProjectCommands, linkCommands, linkTokenCommands } from './links.ts';
import { migrationCommands, validationCommands } from './migrations.ts';
import { organizationCommands } from './organizations.ts';
import { projectCommands } from './projects.ts';
import { serviceAccountCommands } from './service-accounts.ts';

/** Every command over the API, by the noun that it is about. */
export const nouns: Readonly<Record<string, readonly AdministrationCommand[]>> = {
  org: organizationCommands,
  project: projectCommands,
  cluster: clusterCommands,
  'api-key': apiKeyCommands,
  'service-account': serviceAccountCommands,
  'link-token': linkTokenCommands,
  link: linkCommands,
  'available-project': availableProjectCommands,
  validation: validationCommands,
  migration: [
    ...migrationCommands,
    // Where the Atlas CLI has them.
    ...under('link', [...linkTokenCommands, ...linkCommands]),
    ...under('validation', validationCommands),
  ],
  event: eventCommands('/orgs/{orgId}'),
  status: [
    {
      name: 'describe',
      summary: 'show that the server answers, and as whom it sees you',
      method: 'GET',
      path: '',
      columns: ['build', 'apiKey.publicKey', 'apiKey.roles.roleName', 'apiKey.accessList.cidrBlock'],
    },
  ],
};

/** What the Atlas CLI calls them, and what else people try. */
export const aliases: Readonly<Record<string, readonly string[]>> = {
  org: ['organizations'],
  project: ['projects'],
  cluster: ['clusters'],
  'api-key': ['apiKeys'],
  'service-account': ['serviceAccounts'],
  'access-list': ['accessLists'],
  migration: ['liveMigrations', 'livemigrations', 'live-migrations', 'lm'],
  event: ['events'],
  list: ['ls'],
  describe: ['get', 'show'],
  delete: ['rm'],
};
