import { defineErrors } from './define.ts';

/**
 * Errors of the Atlas Administration API. Codes, statuses and details are Atlas's own where its documentation or recorded
 * answers show them. Linkspan adds the others in the same form.
 */
export const apiErrors = defineErrors('request', {
  UNEXPECTED_ERROR: {
    status: 500,
    detail: 'Unexpected error.',
    remedy:
      "With HTTP status 401, for which Atlas uses this code too: the API key is wrong; see UNAUTHORIZED. With status 500: read the server's log and report the bug.",
  },
  UNAUTHORIZED: {
    status: 401,
    atlasCode: 'UNEXPECTED_ERROR',
    detail: 'You are not authorized for this resource.',
    remedy: 'Send the public and the private key of an API key with HTTP digest (curl --user public:private --digest).',
  },
  WRONG_SIGN_IN: {
    status: 401,
    detail: 'The key or its secret is wrong.',
    remedy:
      'Sign in with the public and the private key of an API key, or with the client id and a secret of a service account.',
  },
  SIGN_IN_LINK_SPENT: {
    status: 401,
    detail: 'This link has been used, or is older than 10 minutes.',
    remedy: 'Sign in with an API key, or restart linkspan serve with --sign-in-link for a new link.',
  },
  SIGN_IN_LINK_ELSEWHERE: {
    status: 400,
    detail: '--sign-in-link prints a link that signs in as an owner. % can be reached from other machines.',
    remedy: 'Listen on 127.0.0.1, or sign in with an API key.',
  },
  SESSION_ENDED: {
    status: 401,
    detail: 'The session of the console has ended.',
    remedy: 'Sign in again.',
  },
  FOREIGN_ORIGIN: {
    status: 403,
    detail: 'A page of % may not use the sessions of %.',
    remedy:
      'Open the console under the address of the server. Behind a proxy that ends TLS, set --public-url of linkspan serve to the address in the browser.',
  },
  INVALID_ORG_ID: {
    status: 404,
    detail: 'An invalid organization ID % was specified.',
    remedy: 'An organization ID is 24 lower-case hexadecimal digits.',
  },
  INVALID_GROUP_ID: {
    status: 404,
    detail: 'An invalid group ID % was specified.',
    remedy: 'A project (group) ID is 24 lower-case hexadecimal digits.',
  },
  ORG_NOT_FOUND: {
    status: 404,
    detail: 'No organization with ID % exists.',
    remedy: 'GET /api/atlas/v2/orgs lists the organizations of your API key.',
  },
  GROUP_NOT_FOUND: {
    status: 404,
    detail: 'No group with ID % exists.',
    remedy: 'GET /api/atlas/v2/groups lists the projects of your API key.',
  },
  USER_CANNOT_ACCESS_ORG: {
    status: 401,
    detail: 'The current user cannot access organization %.',
    remedy: 'Use an API key of that organization.',
  },
  USER_CANNOT_ACCESS_GROUP: {
    status: 401,
    detail: 'The current user cannot access group %.',
    remedy: 'Use an API key of the organization that the project belongs to.',
  },
  NOT_ORG_OWNER: {
    status: 401,
    detail: 'The current user does not have the owner role in organization %.',
    remedy: 'Use an API key with the role ORG_OWNER.',
  },
  MISSING_ATTRIBUTE: {
    status: 400,
    detail: 'The required attribute % was not specified.',
    remedy: 'Add the attribute to the body of the request.',
  },
  INVALID_ATTRIBUTE: {
    status: 400,
    detail: 'Invalid attribute % specified.',
    remedy: 'Remove the attribute, or correct its name or value; GET /openapi.json has the schema.',
  },
  INVALID_NAME: {
    status: 400,
    atlasCode: 'INVALID_ATTRIBUTE',
    detail: 'Invalid attribute % specified: it has other characters than a name.',
    remedy: 'A name here has only %.',
  },
  INVALID_ENUM_VALUE: {
    status: 400,
    detail: 'An invalid enumeration value was specified for the attribute %: it must be one of %.',
    remedy: 'Use one of the listed values.',
  },
  VALIDATION_ERROR: {
    status: 400,
    detail: 'The request content produced the validation error: %.',
    remedy: 'Fix the reported problem in the request.',
  },
  MALFORMED_JSON: {
    status: 400,
    detail: 'Received JSON is malformed.',
    remedy: 'Send a JSON object in UTF-8 as the body.',
  },
  INVALID_JSON: {
    status: 400,
    detail: 'Received JSON does not match expected format.',
    remedy: 'Send a JSON object; GET /openapi.json has its schema.',
  },
  INVALID_JSON_ATTRIBUTE: {
    status: 400,
    detail: 'Received JSON for the % attribute does not match expected format.',
    remedy: 'Use the type that GET /openapi.json lists for the attribute.',
  },
  INVALID_PATH_PARAMETER: {
    status: 400,
    detail: 'An invalid value was specified for the path parameter %.',
    remedy: 'IDs are 24 lower-case hexadecimal digits.',
  },
  INVALID_QUERY_PARAMETER: {
    status: 400,
    detail: 'An invalid value was specified for the query parameter %.',
    remedy: 'Remove the parameter, or give %.',
  },
  UNKNOWN_QUERY_PARAMETER: {
    status: 400,
    atlasCode: 'INVALID_QUERY_PARAMETER',
    detail: 'There is no query parameter % here; there are %.',
    remedy: 'Correct or remove the parameter.',
  },
  INVALID_IDEMPOTENCY_KEY: {
    status: 400,
    detail: 'The header Idempotency-Key needs 1 to 255 visible characters of ASCII.',
    remedy: 'Send a key of your own for each migration that you want, such as a UUID or the name of your job.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 409,
    detail: 'The Idempotency-Key % has created the live migration %, from a request that differs from this one.',
    remedy: 'Repeat the first request unchanged, or send another key for another migration.',
  },
  INVALID_IP_ADDRESS_OR_CIDR_NOTATION: {
    status: 400,
    detail: 'The address % must be in valid IP address or CIDR notation.',
    remedy: 'Write an IPv4 or IPv6 address, or a block such as 192.0.2.0/24.',
  },
  RESOURCE_NOT_FOUND: {
    status: 404,
    detail: 'Cannot find resource %.',
    remedy: 'Check the path and the method; GET /openapi.json lists what Linkspan serves.',
  },
  RESOURCE_NOT_SERVED: {
    status: 404,
    atlasCode: 'RESOURCE_NOT_FOUND',
    detail: 'Cannot find resource %: Atlas has it, but Linkspan does not serve it.',
    remedy: 'GET /openapi.json lists what Linkspan serves.',
  },
  VERSION_GONE: {
    status: 410,
    detail: 'Version % of % is no longer available.',
    remedy: 'Send an Accept header with a newer date; GET /openapi.json lists the versions.',
  },
  IP_ADDRESS_NOT_ON_ACCESS_LIST: {
    status: 403,
    detail: 'IP address % is not allowed to access this resource.',
    remedy:
      'Call from an address on the access list of the API key or service account. Behind a proxy, set --trusted-proxies of linkspan serve.',
  },
  RATE_LIMITED_TOKEN_BUCKET: {
    status: 429,
    detail:
      'Rate limit exceeded for %. Please retry after % seconds. Request capacity: %. Refill rate: % per % seconds.',
    remedy: 'Wait for the number of seconds in the header Retry-After.',
  },
  NOT_ACCEPTABLE: {
    status: 406,
    detail: 'This resource needs an Accept header such as application/vnd.atlas.%+json, not %.',
    remedy: 'Send an Accept header with this date or a later one.',
  },
  INVALID_VERSION_DATE: {
    status: 400,
    detail: 'Invalid version date % in the Accept or Content-Type header.',
    remedy: 'Write the date as YYYY-MM-DD.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    detail: 'The Content-Type % is not supported: send application/json.',
    remedy: 'Send the header Content-Type: application/json, or the versioned type of the resource.',
  },
  MALFORMED_REQUEST: {
    status: 400,
    detail: 'The request is not valid HTTP.',
    remedy:
      'Send HTTP/1.1, over HTTPS if the server has a certificate. Check whether a proxy between client and server changes requests.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    detail: 'The request did not arrive completely within 30 seconds.',
    remedy: 'Send it again. If it fails again, check the network between client and server.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    detail: 'The headers of the request are larger than 16384 bytes.',
    remedy: 'Send fewer or shorter headers.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    detail: 'The request body is larger than % bytes.',
    remedy: 'Send a smaller body.',
  },
  TOO_MANY_OPEN_REQUESTS: {
    status: 429,
    detail: 'Too many requests from % are open.',
    remedy:
      'Wait for answers before you send more. For each client behind a trusted proxy, --max-connections-per-address of linkspan serve is the limit.',
  },
  TOO_MANY_UPDATE_STREAMS: {
    status: 429,
    detail: 'Too many streams of updates are open for %.',
    remedy: 'Close some of them, or read the resource without text/event-stream in the Accept header.',
  },
  TOO_MANY_UNFINISHED_BODIES: {
    status: 429,
    detail: 'The unfinished request bodies from % take too much memory.',
    remedy: 'Finish sending the requests that have started, then send this one again.',
  },
  SERVER_BUSY: {
    status: 503,
    detail: 'Unfinished requests and unread answers take too much memory.',
    remedy:
      'Read all answers, and send the request again in a few seconds. If this error persists, find the senders in the log of the server.',
  },
  PIPELINED_REQUEST: {
    status: 400,
    detail: 'A request came before the one before it on its connection was answered.',
    remedy: 'Wait for each answer before the next request, or use further connections.',
  },
  TOO_MANY_FAILED_ATTEMPTS: {
    status: 429,
    detail: 'Too many failed attempts to authenticate came from %. Retry after % seconds.',
    remedy:
      'Correct the credentials, and wait for the number of seconds in the header Retry-After. Credentials that worked from this address in the last hour still work.',
  },
  BAD_REQUEST: {
    status: 400,
    atlasCode: 'VALIDATION_ERROR',
    detail: 'The request could not be understood: %.',
    remedy: 'Fix the reported problem in the request.',
  },
  GROUP_ALREADY_EXISTS: {
    status: 409,
    detail: 'A group with name "%" already exists.',
    remedy: 'Choose another name, or use the existing project.',
  },
  GROUP_MISMATCH: {
    status: 400,
    detail: 'The group ID % in the path does not match the group ID % of the destination.',
    remedy: "Send the request to the destination's project.",
  },
  CLUSTER_NOT_FOUND: {
    status: 404,
    detail: 'No cluster named % exists in group %.',
    remedy:
      'Its clusters: %. Register another destination with POST /groups/{groupId}/clusters and its connection string.',
  },
  DUPLICATE_CLUSTER_NAME: {
    status: 400,
    detail: 'A cluster or serverless instance named % is already present in group %.',
    remedy: 'Choose another name, or use the existing cluster.',
  },
  ORGANIZATION_LINK_NOT_FOUND: {
    status: 404,
    atlasCode: 'UNEXPECTED_ERROR',
    detail: 'Could not find the requested external organization link.',
    remedy: 'No action is needed: the organization has no link and no unused link-token.',
  },
  CANNOT_DELETE_ORG_ACTIVE_LIVE_MIGRATION_ATLAS_ORG_LINK: {
    status: 409,
    detail: 'Cannot delete organization link while there is active migration in following project ids: %',
    remedy: 'First cut over or cancel the migrations in these projects, or wait until they end.',
  },
  MIGRATION_HOST_NOT_FOUND: {
    status: 404,
    detail: 'This organization has no agent on migration host %.',
    remedy:
      'Its migration hosts: %. Start an agent on another one with a link-token; GET …/liveMigrations/availableProjects lists them.',
  },
  MIGRATION_HOST_LOST: {
    status: 409,
    detail: 'The agent on migration host % is lost: Linkspan last heard from it at %.',
    remedy: 'Start the agent there, or check that it can reach this server. Then send the request again.',
  },
  SOURCE_PROJECT_NOT_FOUND: {
    status: 404,
    detail: 'The agent on migration host % does not report a source project with ID %.',
    remedy:
      "It reports the projects: %. Use one of them (GET …/liveMigrations/availableProjects), or add it to the agent's configuration.",
  },
  SOURCE_CLUSTER_NOT_FOUND: {
    status: 404,
    detail: 'The agent on migration host % does not report a cluster named % in source project %.',
    remedy:
      "It reports the clusters: %. Use one of them (GET …/liveMigrations/availableProjects), or add it to the agent's configuration.",
  },
  SOURCE_CLUSTER_ALREADY_MIGRATING: {
    status: 409,
    detail: 'Live migration % is already migrating the source cluster % from migration host %.',
    remedy: 'Wait until it ends: an agent migrates a source cluster to one destination at a time.',
  },
  CANNOT_MODIFY_CLUSTER_WITH_RUNNING_LIVE_IMPORT: {
    status: 409,
    detail: 'The cluster % is the destination of live migration %, which has not ended.',
    remedy: 'Wait until that migration ends, or use another destination.',
  },
  DESTINATION_CHANGED: {
    status: 409,
    detail: 'The address of destination % has changed since validation %.',
    remedy: 'Check the cluster and its CLUSTER_UPDATED events, then validate the migration again.',
  },
  SHARDING_NOT_SUPPORTED: {
    status: 400,
    atlasCode: 'VALIDATION_ERROR',
    detail: 'The attribute sharding is not supported: Linkspan migrates to replica sets only.',
    remedy: 'Omit sharding, and use a replica set as the destination.',
  },
  LIVE_MIGRATION_NOT_FOUND: {
    status: 404,
    detail: 'No live migration with ID % exists in group %.',
    remedy: 'Check the project in the path, and the ID that the API returned when you created the migration.',
  },
  VALIDATION_NOT_FOUND: {
    status: 404,
    detail: 'No live migration validation with ID % exists in group %.',
    remedy: 'Check the project in the path, and the ID that the API returned when you started the validation.',
  },
  CUTOVER_NOT_READY: {
    status: 409,
    detail: 'Live migration % is not ready for cutover: %.',
    remedy: 'Send the request again when GET of the migration shows readyForCutover: true.',
  },
  CUTOVER_REPORT_MISSING: {
    status: 409,
    detail: 'Live migration % has no cutover report, because it has not been cut over.',
    remedy: 'Request the report after the cutover, or GET the migration to see its progress.',
  },
  LIVE_MIGRATION_ENDED: {
    status: 409,
    detail: 'Live migration % has ended with status %, so it can no longer be changed.',
    remedy: 'To migrate its data, start another migration.',
  },
  LIVE_MIGRATION_DECIDED: {
    status: 409,
    detail: 'Live migration % can no longer be changed: its % has started.',
    remedy: 'Wait until the migration ends; GET of the migration shows its status.',
  },
  STANDBY_NOT_READY: {
    status: 409,
    detail: 'Host % cannot take over live migration %: %.',
    remedy: 'Wait until linkspan.standbyHosts of the migration shows the host as READY.',
  },
  CUTOVER_WINDOW_NOT_OPEN: {
    status: 409,
    detail:
      'Live migration % has no cutover window to extend: it is not ready for cutover yet, or the window has expired.',
    remedy: 'Send the request again when GET of the migration shows readyForCutover: true.',
  },
  FAILBACK_NOT_POSSIBLE: {
    status: 409,
    detail: 'Live migration % cannot be %: %.',
    remedy: 'GET of the migration shows its status, and its failback in linkspan.failback.',
  },
  CUTOVER_AFTER_END: {
    status: 409,
    detail: 'Live migration % cannot be cut over: it has ended with status %.',
    remedy: 'If the migration failed or expired, start a new one. A complete migration is already cut over.',
  },
  INVALID_DESTINATION_CONNECTION_STRING: {
    status: 400,
    atlasCode: 'INVALID_ATTRIBUTE',
    detail: 'Invalid attribute connectionStrings.standard specified: %.',
    remedy: 'Use a string of the form mongodb://user:password@host1,host2/?replicaSet=name.',
  },
  MIGRATION_CANCELLED: {
    status: 409,
    detail: 'The migration was cancelled; %.',
    remedy: 'Create another one to migrate after all.',
  },
});
