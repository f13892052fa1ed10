import type { OrganizationRole } from '../api/types.ts';

/** Texts of the page of keys and service accounts. */
export const accessText = {
  keys: 'API keys',
  accounts: 'Service accounts',
  createKey: 'Create API key…',
  creation: {
    title: 'Create an API key',
    effect: 'Whoever has the key may do what its roles allow. The private key is shown once.',
    submit: 'Create API key',
  },
  createAccount: 'Create service account…',
  accountCreation: {
    title: 'Create a service account',
    effect: 'Whoever has its secret may do what its roles allow, until the secret expires. The secret is shown once.',
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
  noRole: 'Choose at least one role.',
  publicKey: 'Public key',
  privateKey: 'Private key',
  clientId: 'Client id',
  secret: 'Secret',
  expires: 'Secret expires',
  never: 'never',
  delete: 'Delete…',
  deletion: (name: string) => ({
    title: `Delete ${name}`,
    effect: 'Its requests are refused at once, and its sessions and access tokens end. This is final.',
    submit: 'Delete',
  }),
} as const;
