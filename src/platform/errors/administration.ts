import { defineErrors } from './define.ts';

/** Errors about organizations, projects, clusters and keys, and about maintaining their store. */
export const administrationErrors = defineErrors('request', {
  NOT_ORG_GROUP_CREATOR: {
    status: 401,
    detail: 'The current user does not have the project creator role in organization %.',
    remedy: 'Use an API key with the role ORG_GROUP_CREATOR or ORG_OWNER.',
  },
  USER_UNAUTHORIZED: {
    status: 401,
    detail: 'Current user is not authorized to perform this action.',
    remedy: 'Use an API key whose role allows this; docs/operate/administration.md lists the roles.',
  },
  NEW_ORG_NEEDS_OWNER: {
    status: 400,
    atlasCode: 'VALIDATION_ERROR',
    detail: 'A new organization needs an apiKey or a serviceAccount with the role ORG_OWNER.',
    remedy: 'Add one of them to the request. Without an owner, no one can access the organization.',
  },
  CANNOT_REMOVE_LAST_ORG_OWNER: {
    status: 409,
    detail: 'Organization % would be left without an API key or service account that owns it.',
    remedy:
      'Create another API key or service account with the role ORG_OWNER first, or another secret of the service account. ' +
      'A service account counts while it has a secret that has not expired.',
  },
  API_KEY_NOT_FOUND: {
    status: 400,
    detail: 'No API Key with ID % exists.',
    remedy: 'GET /orgs/{orgId}/apiKeys or GET /groups/{groupId}/apiKeys lists them.',
  },
  SERVICE_ACCOUNT_NOT_FOUND: {
    status: 404,
    detail: 'No service account with client ID % exists.',
    remedy: 'GET /orgs/{orgId}/serviceAccounts lists them.',
  },
  SERVICE_ACCOUNT_SECRET_NOT_FOUND: {
    status: 404,
    detail: 'No secret with ID % exists for service account %.',
    remedy: 'GET the service account to list its secrets.',
  },
  API_KEY_LIMIT: {
    status: 400,
    detail: 'The organization % has % API keys, and no more are allowed.',
    remedy: 'Delete unused API keys first.',
  },
  SERVICE_ACCOUNT_LIMIT: {
    status: 400,
    detail: 'The organization % has % service accounts, and no more are allowed.',
    remedy: 'Delete unused service accounts first.',
  },
  LINK_TOKEN_LIMIT: {
    status: 400,
    detail: 'The organization % has % link-tokens that no one has redeemed, and no more are allowed.',
    remedy: 'Delete the link-tokens of the organization, or wait until they expire.',
  },
  AGENT_LIMIT: {
    status: 400,
    detail: 'The organization % has % linked agents, and no more are allowed.',
    remedy: 'Revoke links of agents that are not needed any more, then start this agent again.',
  },
  CLUSTER_LIMIT: {
    status: 400,
    detail: 'The project % has % registered clusters, and no more are allowed.',
    remedy: 'Delete unused registrations first, or use another project.',
  },
  ORG_LIMIT: {
    status: 400,
    detail: '% organizations exist on this server or descend from yours, and no more are allowed.',
    remedy:
      'Delete an unused organization first, with a key that owns it, or ask the owner of the first one to create it.',
  },
  MAX_GROUPS_PER_ORG_EXCEEDED: {
    status: 400,
    detail: 'Maximum number of groups per organization (%) in % exceeded while trying to add group.',
    remedy: 'Delete unused projects first.',
  },
  SERVICE_ACCOUNT_SECRET_LIMIT: {
    status: 400,
    detail: 'The service account % has % secrets that have not expired, and no more are allowed.',
    remedy: 'Delete an unused secret first.',
  },
  ACCESS_LIST_LIMIT: {
    status: 400,
    detail: 'The access list would have % entries, and no more than % are allowed.',
    remedy: 'Remove unused entries first, or add a block in CIDR notation instead of single addresses.',
  },
  ACCESS_LIST_ENTRY_NOT_FOUND: {
    status: 404,
    detail: 'The access list has no entry %.',
    remedy: 'GET the access list to list its entries.',
  },
  ADDRESS_ALREADY_IN_ACCESS_LIST: {
    status: 409,
    detail: 'The address % is already in the access list.',
    remedy: 'Remove this address from the request; it needs no change.',
  },
  DUPLICATE_ADDRESSES_IN_INPUT: {
    status: 400,
    detail: 'The address % was specified more than once.',
    remedy: 'Send each address once.',
  },
  CANNOT_REMOVE_CALLER_FROM_ACCESS_LIST: {
    status: 400,
    detail: "The caller's IP address % would no longer be in its own access list.",
    remedy: 'Keep or add an entry with your address, or make the change with another key.',
  },
  RESOURCE_REQUIRES_ACCESS_LIST: {
    status: 403,
    detail: 'This resource requires access through an access list of ip ranges.',
    remedy: 'Add the address you call from to the access list of the API key or service account.',
  },
  GROUP_NAME_NOT_FOUND: {
    status: 404,
    atlasCode: 'GROUP_NOT_FOUND',
    detail: 'No group with name % exists.',
    remedy: 'GET /api/atlas/v2/groups lists the projects that you can access.',
  },
  ORG_NOT_EMPTY: {
    status: 409,
    detail: 'Organization % cannot be deleted while it has projects: %.',
    remedy: 'Delete these first: DELETE /groups/{groupId}.',
  },
  CANNOT_DELETE_LAST_ORG: {
    status: 409,
    detail: 'Organization % is the only one on this server. Without an organization, no one could access the server.',
    remedy: 'Create another organization first: POST /orgs.',
  },
  CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS: {
    status: 409,
    detail: 'Group % cannot be deleted while it has clusters: %.',
    remedy: 'Delete these first: DELETE /groups/{groupId}/clusters/{clusterName}.',
  },
  EVENT_NOT_FOUND: {
    status: 404,
    detail: 'No event with ID % exists here.',
    remedy: 'GET the events of the organization or project to list them.',
  },
  DESTINATION_UNUSABLE: {
    status: 400,
    atlasCode: 'INVALID_ATTRIBUTE',
    detail: 'Invalid attribute connectionStrings.standard specified: the cluster cannot be used as a destination: %.',
    remedy:
      'Correct the connection string or the network. If only agents can reach the cluster, start the server with --check-destinations form.',
  },
  DESTINATION_NOT_CHECKED: {
    status: 503,
    detail: 'The destination was not checked: %.',
    remedy:
      'Send the request again in a minute. If it fails again, search the log of linkspan serve for "The destination dialler process".',
  },
  DESTINATION_USER_REFUSED: {
    status: 400,
    detail: 'The registered user of the destination is not allowed to create or drop a user for a migration: %.',
    remedy:
      'Grant the registered user the role userAdmin on the database admin, or correct its password with linkspan cluster update. ' +
      'With linkspan serve --destination-users fixed, migrations use the registered user itself.',
  },
  DESTINATION_USER_NOT_MADE: {
    status: 400,
    detail: 'Linkspan could not create a user on the destination within % minutes: %.',
    remedy: 'Check that the control plane can reach the destination, then start the migration again.',
  },
  DISK_FULL: {
    status: 507,
    detail: 'The data directory % cannot be used, because its disk is full: the file system at % has % kB free.',
    remedy:
      'Free at least 100 MB there, or move the directory to a larger disk, then start again. Its files are not damaged: keep them.',
  },
  STORE_TOO_NEW: {
    status: 400,
    detail: 'The store in % has schema version %, but this version of Linkspan supports versions up to %.',
    remedy: 'Use the version of Linkspan that wrote the store, or a newer one.',
  },
  STORE_TOO_OLD: {
    status: 400,
    detail:
      'The store in % is of Linkspan 0.2.0 or older (schema version %). This version does not read it, and has written nothing.',
    remedy: 'Finish or cancel its migrations with that version. Then begin with a new data directory.',
  },
  KEY_ROTATION_NOT_TAKEN_UP: {
    status: 409,
    detail: 'The server on % has not sealed everything with the new master key within % seconds.',
    remedy:
      'Nothing is lost: both keys are in the file. Check that the server uses this file and can read it. Then run the command again to continue.',
  },
  STORAGE_FULL: {
    status: 507,
    detail: 'The disk of the server is full: nothing was changed.',
    remedy:
      'Free space on the disk of the data directory, then send the request again. The server recovers by itself; reads work meanwhile.',
  },
  STORAGE_FAILED: {
    status: 503,
    detail: 'The disk of the server has failed: %.',
    remedy:
      'The server stops, because it cannot know what the disk has stored. Repair the disk, then start the server again, or restore a backup.',
  },
  BACKUP_FAILED: {
    status: 400,
    detail: 'The copy % could not be created: %.',
    remedy:
      'Nothing was changed. Specify a complete backup, and a new file or an empty data directory on a disk with enough space.',
  },
});
