import { apiKeyCommands } from './api-keys.ts';
import { clusterCommands } from './clusters.ts';
import { type AdministrationCommand, under } from './command.ts';
import { eventCommands, eventVerification } from './events.ts';
import { availableProjectCommands, linkCommands, linkTokenCommands } from './links.ts';
import { migrationCommands, organizationMigrations, validationCommands } from './migrations.ts';
import { organizationCommands } from './organizations.ts';
import { projectCommands } from './projects.ts';
import { serviceAccountCommands } from './service-accounts.ts';

/** The API commands, by noun. */
export const nouns: Readonly<Record<string, readonly AdministrationCommand[]>> = {
  org: [...organizationCommands, organizationMigrations],
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
    // The Atlas CLI has these commands here.
    ...under('link', [...linkTokenCommands, ...linkCommands]),
    ...under('validation', validationCommands),
  ],
  event: [...eventCommands('listOrgEvents', 'getOrgEvent'), eventVerification],
  status: [
    {
      name: 'describe',
      summary: 'Show whether the server answers, and the API key that you use',
      operation: 'getSystemStatus',
      columns: ['build', 'apiKey.publicKey', 'apiKey.roles.roleName', 'apiKey.accessList.cidrBlock'],
    },
  ],
};

/** Other names of nouns and verbs: those of the Atlas CLI, and those that people are used to. */
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
