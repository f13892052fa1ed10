import { defineErrors } from './define.ts';

/** Errors of organizations, projects, clusters and keys, and of the care of the store that keeps them. */
export const administrationErrors = defineErrors({
  NOT_ORG_GROUP_CREATOR: {
    status: 401,
    detail: 'The current user does not have the project creator role in organization %.',
    remedy: 'Use an API key with the role ORG_GROUP_CREATOR or ORG_OWNER.',
  },
  USER_UNAUTHORIZED: {
    status: 401,
    detail: 'Current user is not authorized to perform this action.',
    remedy: 'Use an API key with a role that may; docs/12-administration.md lists them.',
  },
  NEW_ORG_NEEDS_OWNER: {
    status: 400,
    atlasCode: 'VALIDATION_ERROR',
    detail: 'A new organization needs an apiKey or a serviceAccount with the role ORG_OWNER.',
    remedy: 'Add it to the request: nobody else could enter the organization.',
  },
  CANNOT_REMOVE_LAST_ORG_OWNER: {
    status: 409,
    detail: 'Organization % would be left without an API key or service account that owns it.',
    remedy: 'Make another one with the role ORG_OWNER first.',
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
    remedy: 'GET of the service account lists its secrets.',
  },
  API_KEY_LIMIT: {
    status: 400,
    detail: 'The organization % has % API keys, and no more are allowed.',
    remedy: 'Delete those that are no longer used first.',
  },
  SERVICE_ACCOUNT_SECRET_LIMIT: {
    status: 400,
    detail: 'The service account % has % secrets that have not expired, and no more are allowed.',
    remedy: 'Delete the one that is no longer used first.',
  },
  ACCESS_LIST_ENTRY_NOT_FOUND: {
    status: 404,
    detail: 'The access list has no entry %.',
    remedy: 'GET of the access list has its entries.',
  },
  ADDRESS_ALREADY_IN_ACCESS_LIST: {
    status: 409,
    detail: 'The address % is already in the access list.',
    remedy: 'Nothing has to be done for this address: leave it out.',
  },
  DUPLICATE_ADDRESSES_IN_INPUT: {
    status: 400,
    detail: 'The address % was specified more than once.',
    remedy: 'Send each address once.',
  },
  CANNOT_REMOVE_CALLER_FROM_ACCESS_LIST: {
    status: 400,
    detail: "The caller's IP address % would no longer be in its own access list.",
    remedy: 'Keep or add an entry with your address, or let another key make the change.',
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
    remedy: 'GET /api/atlas/v2/groups lists the projects that you see.',
  },
  ORG_NOT_EMPTY: {
    status: 409,
    detail: 'Organization % cannot be deleted while it has projects: %.',
    remedy: 'Delete these first: DELETE /groups/{groupId}.',
  },
  CANNOT_DELETE_LAST_ORG: {
    status: 409,
    detail: 'Organization % is the only one of this server, which nobody could enter without it.',
    remedy: 'Create another one first: POST /orgs.',
  },
  CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS: {
    status: 409,
    detail: 'Group % cannot be deleted while it has clusters: %.',
    remedy: 'Delete these first: DELETE /groups/{groupId}/clusters/{clusterName}.',
  },
  EVENT_NOT_FOUND: {
    status: 404,
    detail: 'No event with ID % exists here.',
    remedy: 'GET of the events lists them.',
  },
  DESTINATION_UNUSABLE: {
    status: 400,
    atlasCode: 'INVALID_ATTRIBUTE',
    detail: 'Invalid attribute connectionStrings.standard specified: the cluster cannot be used as a destination: %.',
    remedy:
      'Correct the connection string or the network. Where only agents reach the cluster, start the server with --check-destinations form.',
  },
  DESTINATION_NOT_CHECKED: {
    status: 503,
    detail: 'The destination was not checked: %.',
    remedy:
      'Send the request again in a minute. When it fails again, look for "the process that dials a destination" in the log of linkspan serve.',
  },
  DESTINATION_USER_REFUSED: {
    status: 400,
    detail: 'The destination does not let its registered user make or drop a user for a migration: %.',
    remedy:
      'Give the registered user the role userAdmin in the database admin, or correct its password in the connection string: ' +
      'linkspan cluster update. With --destination-users fixed the registered user itself is handed over.',
  },
  DESTINATION_USER_NOT_MADE: {
    status: 400,
    detail: 'No user could be made on the destination within % minutes: %.',
    remedy: 'See that the control plane reaches the destination, and start again.',
  },
  STORE_TOO_OLD: {
    status: 400,
    detail: 'The store in % has schema version %, and this command of this version of Linkspan needs %.',
    remedy: 'Start linkspan serve of this version once: it brings the store to its schema.',
  },
  KEY_ROTATION_NOT_TAKEN_UP: {
    status: 409,
    detail: 'The server on % has not sealed everything with the new master key within % seconds.',
    remedy:
      'Nothing is lost: both keys are in the file. See that the server uses this file and can read it, then run the command again, which goes on.',
  },
  STORAGE_FULL: {
    status: 507,
    detail: 'The disk of the server is full: nothing was changed.',
    remedy:
      'Make room on the disk of the data directory, then ask again; the server goes on by itself, and reading works meanwhile.',
  },
  STORAGE_FAILED: {
    status: 503,
    detail: 'The disk of the server has failed: %.',
    remedy:
      'The server ends, as it cannot know what the disk has kept. Look after the disk, then start it again, or restore a backup.',
  },
  BACKUP_FAILED: {
    status: 400,
    detail: 'The copy % could not be made: %.',
    remedy:
      'Nothing was changed. Give a new file or an empty data directory on a disk with room, and a backup that is whole.',
  },
});
