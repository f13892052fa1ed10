import type { OrganizationRole } from '../api/types.ts';

/** Texts of the page of keys and service accounts. */
export const accessText = {
  keys: 'API keys',
  accounts: 'Service accounts',
  createKey: 'Create API key…',
  creation: {
    title: 'Create an API key',
    effect: 'A client with the key may do what its roles allow. The private key is shown once.',
    submit: 'Create API key',
  },
  createAccount: 'Create service account…',
  accountCreation: {
    title: 'Create a service account',
    effect: 'A client with its secret may do what its roles allow, until the secret expires. The secret is shown once.',
    submit: 'Create service account',
  },
  description: 'Description',
  name: 'Name',
  hours: 'The secret expires after hours',
  roles: 'Roles',
  /** The roles that differ; all others grant what ORG_MEMBER grants. */
  choices: {
    ORG_MEMBER: 'Read migrations, agents, keys and the audit',
    ORG_READ_ONLY: 'Read everything, in all projects',
    ORG_GROUP_CREATOR: 'Create projects, and own them',
    ORG_OWNER: 'Everything: start and cut over migrations, manage keys',
  } satisfies Partial<Record<OrganizationRole, string>>,
  change: 'Change roles…',
  roleChange: (name: string) => ({
    title: `Change the roles of ${name}`,
    effect: 'The roles count from the next request on. Its sessions of the console end.',
    submit: 'Change roles',
  }),
  details: 'Details',
  accessListOf: (name: string) => `Access list of ${name}`,
  address: 'Address or block',
  anywhere: 'It may be used from anywhere.',
  addAddresses: 'Add addresses…',
  adding: (name: string) => ({
    title: `Add to the access list of ${name}`,
    effect: 'The first entry closes it to all other addresses.',
    submit: 'Add',
  }),
  addresses: 'Addresses',
  addressesHint: 'Addresses or blocks, separated by commas: 192.0.2.7, 198.51.100.0/24',
  remove: 'Remove…',
  removal: (address: string, name: string) => ({
    title: `Remove ${address} from the access list of ${name}`,
    effect: 'Requests from there are refused, unless the list becomes empty: then it may be used from anywhere.',
    submit: 'Remove',
  }),
  projectRolesOf: (name: string) => `Roles of ${name} in projects`,
  project: 'Project',
  noProject: 'There is no project yet.',
  projectChange: (name: string, project: string) => ({
    title: `Change the roles of ${name} in ${project}`,
    effect: 'The roles count from the next request on. Its sessions of the console end if it loses one.',
    submit: 'Change roles',
  }),
  /** The roles that differ; all others grant what GROUP_READ_ONLY grants. */
  projectChoices: {
    GROUP_READ_ONLY: 'Read the project',
    GROUP_CLUSTER_MANAGER: 'Register destinations, and change how they are reached',
    GROUP_OWNER: 'Rename and delete the project, register destinations, give roles in it',
  },
  takingOut: (name: string, project: string) => ({
    title: `Remove ${name} from ${project}`,
    effect: 'It loses its roles in the project, and keeps those in the organization. Its sessions of the console end.',
    submit: 'Remove',
  }),
  secretsOf: (name: string) => `Secrets of ${name}`,
  noKey: 'No API key.',
  noAccount: 'No service account.',
  noSecret: 'No secret.',
  created: 'Created, UTC',
  createSecret: 'Create secret…',
  secretCreation: (name: string) => ({
    title: `Create a secret of ${name}`,
    effect:
      'An account has two secrets at a time. Replace the old one everywhere, then delete it. The new one is shown once.',
    submit: 'Create secret',
  }),
  secretDeletion: (secret: string, name: string) => ({
    title: `Delete the secret ${secret} of ${name}`,
    effect: 'Requests with it are refused at once, and its sessions of the console end. This is final.',
    submit: 'Delete',
  }),
  noRole: 'Choose at least one role.',
  publicKey: 'Public key',
  privateKey: 'Private key',
  clientId: 'Client id',
  secret: 'Secret',
  expires: 'Secret expires, UTC',
  never: 'never',
  delete: 'Delete…',
  deletion: (name: string) => ({
    title: `Delete ${name}`,
    effect: 'Its requests are refused at once, and its sessions and access tokens end. This is final.',
    submit: 'Delete',
  }),
} as const;
