interface NounHelp {
  readonly summary: string;
  /** Sentences after the summary. */
  readonly about?: string;
  readonly examples?: readonly string[];
  readonly seeAlso?: readonly string[];
}

/** Help of each noun, and of each nested noun after the noun that it is nested in. */
export const nounHelp: Readonly<Record<string, NounHelp>> = {
  org: { summary: 'Manage organizations' },
  'org settings': { summary: 'Manage the settings of an organization' },
  'org migration': { summary: 'List the migrations of all projects' },
  'org project': { summary: 'List the projects of an organization' },
  project: { summary: 'Manage projects' },
  'project api-key': { summary: 'Manage the API keys of a project' },
  'project event': { summary: 'Read the audit events of a project' },
  cluster: { summary: 'Manage destination clusters' },
  'api-key': { summary: 'Manage API keys' },
  'api-key access-list': { summary: 'Manage the access list of an API key' },
  'service-account': { summary: 'Manage service accounts' },
  'service-account secret': { summary: 'Manage the secrets of a service account' },
  'service-account access-list': { summary: 'Manage the access list of a service account' },
  'link-token': { summary: 'Manage link-tokens for agents' },
  link: { summary: 'Manage links to agents' },
  'available-project': { summary: 'List projects and clusters that agents can migrate' },
  validation: { summary: 'Check whether a migration can succeed' },
  migration: {
    summary: 'Work with live migrations',
    about: 'Targeted commands take the id that "create" and "list" print.',
    examples: [
      '$ linkspan migration create --migrationHost db1 --sourceProjectId 5f00 --sourceClusterName shop --clusterName shop',
      '$ linkspan migration describe 66a1 --watch',
      '$ linkspan migration limit-copy 66a1 --maxMegabytesPerSecond 20',
      '$ linkspan migration cutover 66a1',
    ],
    seeAlso: [
      'docs/get-started/first-migration.md: a first migration, step by step',
      'docs/operate/progress-and-load.md: operating migrations',
    ],
  },
  'migration link': { summary: 'Manage links and link-tokens' },
  'migration validation': { summary: 'Check whether a migration can succeed' },
  event: { summary: 'Read audit events' },
  status: { summary: 'Show the status of the server' },
};
