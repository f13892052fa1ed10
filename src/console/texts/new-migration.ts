/** Texts of the page that starts a migration. */
export const newText = {
  cluster: 'Cluster',
  source: 'Source',
  sourceOf: (cluster: string, project: string, host: string) => `${cluster} in ${project}, by the agent on ${host}`,
  noSource: 'No agent offers a cluster.',
  toAgents: 'Link an agent first.',
  user: 'User',
  userHint: 'Optional. Without one, the agent uses the user of its agent.yaml.',
  password: 'Password',
  passwordHint: 'Stored encrypted until the migration ends.',
  destination: 'Destination',
  destinationOf: (cluster: string, project: string) => `${cluster} in ${project}`,
  noDestination: 'No destination is registered.',
  toProjects: 'Register one first.',
  options: 'Options',
  drop: 'Drop what the destination holds',
  dropWhy:
    'All its databases are dropped before the copy begins. Without this, a destination that holds data is refused.',
  reversible: 'Keep a failback',
  reversibleWhy:
    'After the cutover, the old source follows every write, so that users can return without losing one. It needs more privileges on both sides.',
  usersAndRoles: 'Bring users and roles over',
  usersAndRolesWhy:
    'At the cutover, users and custom roles of the source are made on the destination, where they log in as before. Without this, applications need users there before it.',
  digestsBy: 'Digest helper',
  digestsByHint:
    'Host of an agent beside the destination that compares by digest, so that fewer documents are read over a slow line. Empty for none.',
  check: 'Check',
  checking: 'The agent checks both sides…',
  result: 'Check',
  passed: 'Both sides are ready for this migration.',
  refused: 'Fix the errors, then check again.',
  data: 'Data to copy',
  dataOf: (size: string, documents: string, collections: string) => `${size}, ${documents} in ${collections}`,
  indexes: 'Indexes to build',
  indexesOf: (number: string, size: string) => `${number}, ${size} on the source`,
  copyTime: 'Copy, without the indexes',
  timeOf: (time: string, speed: string, basis: string) => `about ${time} at ${speed}: ${basis}`,
  timeUnknown: 'unknown',
  /** The reason for the rate: the slowest limit that is known. */
  bases: {
    ASSUMPTION: 'an assumption, because writing to the destination is not measured before the start',
    MEASURED_SOURCE_READ: 'measured now, by reading the source for a moment',
    CONFIGURED_LIMIT: 'the rate limit of the agent',
  },
  leftOut: (number: number) =>
    `${number === 1 ? '1 database or collection' : `${number} databases or collections`} could not be measured in time. The migration is larger and takes longer than shown.`,
  sizeUnknown: 'How much there is to copy, and how long it takes, is unknown.',
  start: 'Start…',
  starting: (from: string, to: string, drops: boolean) => ({
    title: `Start the migration from ${from} to ${to}`,
    effect: `The agent copies ${from} and follows its changes. Users keep writing to ${from} until you cut over.${
      drops ? ` Everything on ${to} is dropped first.` : ''
    }`,
    submit: 'Start',
  }),
} as const;
