/** What a flag is worth in the request's body, or in its path where that names it. */
export interface Flag {
  readonly name: string;
  readonly description: string;
  readonly required?: boolean;
  /** A list with commas, a whole number, or there or not; a text by default. */
  readonly kind?: 'list' | 'number' | 'boolean';
}

/** One command over the API, as data. */
export interface AdministrationCommand {
  readonly name: string;
  readonly summary: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `{orgId}` and `{projectId}` come from flags or the profile, `{id}` is the command's argument. */
  readonly path: string;
  readonly flags?: readonly Flag[];
  readonly body?: (flags: Readonly<Record<string, unknown>>, ids: Readonly<Record<string, string>>) => object;
  /** Columns of the table; of one record the same fields. */
  readonly columns: readonly string[];
}

const desc = { name: 'desc', description: 'what it is for' } as const;
const roles = { name: 'role', description: 'roles, with commas', kind: 'list' } as const;
const need = <T extends Flag>(flag: T) => ({ ...flag, required: true });
const KEY = ['id', 'publicKey', 'privateKey', 'desc'];
const MIGRATION = ['_id', 'status', 'readyForCutover', 'lagTimeSeconds', 'errorMessage'];
const ACCOUNT = ['clientId', 'name', 'roles'];
const migrations = '/groups/{projectId}/liveMigrations';
const accounts = '/orgs/{orgId}/serviceAccounts';
const keys = '/orgs/{orgId}/apiKeys';

/** The flags of the Atlas CLI's `liveMigrations create`. */
const order: readonly Flag[] = [
  need({ name: 'clusterName', description: 'destination' }),
  need({ name: 'migrationHost', description: 'host of the agent' }),
  need({ name: 'sourceClusterName', description: 'source' }),
  need({ name: 'sourceProjectId', description: 'project of the source' }),
  { name: 'sourceUsername', description: "instead of the agent's own credentials" },
  { name: 'sourcePassword', description: 'of that user' },
  { name: 'sourceSsl', description: 'whether the source has TLS', kind: 'boolean' },
  { name: 'drop', description: 'drop what the destination has', kind: 'boolean' },
];

const orderBody: AdministrationCommand['body'] = (flags, { projectId }) => ({
  source: {
    clusterName: flags.sourceClusterName,
    groupId: flags.sourceProjectId,
    managedAuthentication: flags.sourceUsername === undefined,
    username: flags.sourceUsername,
    password: flags.sourcePassword,
    ssl: flags.sourceSsl ?? false,
  },
  destination: { clusterName: flags.clusterName, groupId: projectId, hostnameSchemaType: 'PUBLIC' },
  migrationHosts: [flags.migrationHost],
  dropDestinationData: flags.drop ?? false,
});

const wish = (name: string, summary: string, more: Partial<AdministrationCommand> = {}): AdministrationCommand => ({
  name,
  summary,
  method: 'PUT',
  path: `${migrations}/{id}/${name}`,
  columns: MIGRATION,
  ...more,
});

/** Every command, by the noun that it is about. */
export const administration: Readonly<Record<string, readonly AdministrationCommand[]>> = {
  org: [
    { name: 'list', summary: 'list organizations', method: 'GET', path: '/orgs', columns: ['id', 'name'] },
    { name: 'describe', summary: 'show one', method: 'GET', path: '/orgs/{orgId}', columns: ['id', 'name'] },
  ],
  project: [
    { name: 'list', summary: 'list projects', method: 'GET', path: '/groups', columns: ['id', 'name', 'clusterCount'] },
    {
      name: 'create',
      summary: 'make one',
      method: 'POST',
      path: '/groups',
      flags: [need({ name: 'name', description: 'its name' })],
      body: ({ name }, { orgId }) => ({ name, orgId }),
      columns: ['id', 'name'],
    },
    { name: 'delete', summary: 'delete one', method: 'DELETE', path: '/groups/{id}', columns: [] },
  ],
  cluster: [
    {
      name: 'list',
      summary: 'list destinations',
      method: 'GET',
      path: '/groups/{projectId}/clusters',
      columns: ['id', 'name', 'connectionStrings'],
    },
    {
      name: 'create',
      summary: 'register an existing cluster as a destination',
      method: 'POST',
      path: '/groups/{projectId}/clusters',
      flags: [
        need({ name: 'name', description: 'its name' }),
        need({ name: 'connectionString', description: 'with user and password; - reads it from stdin' }),
      ],
      body: ({ name, connectionString }) => ({ name, connectionStrings: { standard: connectionString } }),
      columns: ['id', 'name', 'connectionStrings'],
    },
    { name: 'delete', summary: 'forget one', method: 'DELETE', path: '/groups/{projectId}/clusters/{id}', columns: [] },
  ],
  'api-key': [
    { name: 'list', summary: 'list API keys', method: 'GET', path: keys, columns: KEY },
    {
      name: 'create',
      summary: 'make one; its private key is shown once',
      method: 'POST',
      path: keys,
      flags: [need(desc), need(roles)],
      body: (flags) => ({ desc: flags.desc, roles: flags.role }),
      columns: KEY,
    },
    { name: 'describe', summary: 'show one', method: 'GET', path: `${keys}/{id}`, columns: KEY },
    { name: 'delete', summary: 'delete one', method: 'DELETE', path: `${keys}/{id}`, columns: [] },
  ],
  'service-account': [
    { name: 'list', summary: 'list service accounts', method: 'GET', path: accounts, columns: ACCOUNT },
    {
      name: 'create',
      summary: 'make one; its secret is shown once',
      method: 'POST',
      path: accounts,
      flags: [
        need({ name: 'name', description: 'its name' }),
        need(desc),
        need(roles),
        need({ name: 'secretExpiresAfterHours', description: '8 to 8760', kind: 'number' }),
      ],
      body: ({ name, desc: description, role, secretExpiresAfterHours }) => ({
        name,
        description,
        roles: role,
        secretExpiresAfterHours,
      }),
      columns: [...ACCOUNT, 'secrets'],
    },
    { name: 'delete', summary: 'delete one', method: 'DELETE', path: `${accounts}/{id}`, columns: [] },
  ],
  'link-token': [
    {
      name: 'create',
      summary: 'make a link-token for an agent',
      method: 'POST',
      path: '/orgs/{orgId}/liveMigrations/linkTokens',
      flags: [{ name: 'accessListIp', description: 'from where it may be redeemed, with commas', kind: 'list' }],
      body: ({ accessListIp }) => ({ accessListIps: accessListIp ?? [] }),
      columns: ['linkToken'],
    },
    {
      name: 'delete',
      summary: 'end all links and unused link-tokens',
      method: 'DELETE',
      path: '/orgs/{orgId}/liveMigrations/linkTokens',
      columns: [],
    },
  ],
  link: [
    {
      name: 'list',
      summary: 'list links to agents',
      method: 'GET',
      path: '/orgs/{orgId}/liveMigrations/links',
      columns: ['id', 'migrationHost', 'agentVersion', 'lastSeen'],
    },
  ],
  validation: [
    {
      name: 'create',
      summary: 'check whether a migration could succeed',
      method: 'POST',
      path: `${migrations}/validate`,
      flags: order,
      body: orderBody,
      columns: ['_id', 'status'],
    },
    {
      name: 'describe',
      summary: 'show one',
      method: 'GET',
      path: `${migrations}/validate/{id}`,
      columns: ['_id', 'status', 'errorMessage'],
    },
  ],
  migration: [
    { name: 'list', summary: 'list live migrations', method: 'GET', path: migrations, columns: MIGRATION },
    {
      name: 'create',
      summary: 'start one',
      method: 'POST',
      path: migrations,
      flags: order,
      body: orderBody,
      columns: MIGRATION,
    },
    { name: 'describe', summary: 'show one', method: 'GET', path: `${migrations}/{id}`, columns: MIGRATION },
    wish('cutover', 'cut one over'),
    wish('pause', 'pause one'),
    wish('resume', 'let a paused one go on'),
    wish('cancel', 'give one up', {
      flags: [{ name: 'drop', description: 'also drop what was copied', kind: 'boolean' }],
      body: ({ drop }) => ({ dropCopiedData: drop ?? false }),
    }),
  ],
  event: [
    {
      name: 'list',
      summary: 'list what was done, the newest first',
      method: 'GET',
      path: '/orgs/{orgId}/events',
      columns: ['created', 'eventTypeName', 'publicKey', 'remoteAddress', 'targetPublicKey'],
    },
  ],
};
