/** Texts of the page of projects and clusters. */
export const projectsText = {
  create: 'Create project…',
  creation: {
    title: 'Create a project',
    effect: 'A project holds destinations and the migrations to them. Keys can have roles in one project alone.',
    submit: 'Create project',
  },
  name: 'Name',
  rename: 'Rename…',
  renaming: (name: string) => ({
    title: `Rename ${name}`,
    effect: 'Only the name changes. Migrations and keys stay as they are.',
    submit: 'Rename',
  }),
  delete: 'Delete…',
  deleteProject: 'Delete project…',
  deletion: (name: string) => ({
    title: `Delete the project ${name}`,
    effect: 'The project and the roles of keys in it end permanently. Projects with destinations are refused.',
    submit: 'Delete project',
  }),
  register: 'Register destination…',
  registration: {
    title: 'Register a destination',
    effect:
      'The server connects to the cluster, and looks whether its user may make a user for each migration. Data there stays unchanged until a migration starts; the check of a migration names missing privileges.',
    submit: 'Register',
  },
  clusterName: 'Name of the cluster',
  clusterHint: 'Letters, digits and hyphens',
  clusterExpected: 'Use letters, digits and hyphens, and begin with a letter or digit, such as shop-2.',
  connection: 'Connection string',
  connectionHint: 'With user and password. It is stored encrypted, and never shown again.',
  connectionExpected:
    'Begin with mongodb:// or mongodb+srv://, such as mongodb://user:password@host:27017/?replicaSet=rs0.',
  showConnection: 'Show it here',
  change: 'Change connection…',
  changing: (name: string) => ({
    title: `Change the connection of ${name}`,
    effect: 'The server checks the new connection string. Later migrations use it.',
    submit: 'Change',
  }),
  removal: (name: string) => ({
    title: `Delete the registration of ${name}`,
    effect: 'Migrations can no longer choose this destination. The cluster and its data stay unchanged.',
    submit: 'Delete registration',
  }),
  none: 'No project yet. Create one: it holds the destinations.',
  noClusters: 'No destination yet. Register the cluster to which the data moves.',
  clusters: (name: string) => `Destinations of ${name}`,
  cluster: 'Destination',
  address: 'Address',
  users: 'Agents connect as',
  usersOf: {
    MIGRATION: 'a user of their own for each migration',
    FIXED: 'the registered user, who may not create users',
  },
  since: 'Registered, UTC',
} as const;
