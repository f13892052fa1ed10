import { defineErrors } from './define.ts';

/** Errors in a command, its flags, its files or its machine. */
export const commandLineErrors = defineErrors('request', {
  NODE_TOO_OLD: {
    status: 500,
    detail: 'Node.js % is too old for Linkspan.',
    remedy: 'Run npm ci, which installs the right version on Linux, or install Node.js 24.15 or newer.',
  },
  USAGE: {
    status: 400,
    detail: '%.',
    remedy: 'See linkspan --help.',
  },
  CONFIGURATION_UNREADABLE: {
    status: 400,
    detail: 'The configuration file % cannot be read: %.',
    remedy: 'Check the path, and that you have permission to read the file.',
  },
  CONFIGURATION_INVALID: {
    status: 400,
    detail: 'The configuration file % is not valid, line %: %.',
    remedy: 'Correct that line; % lists every key.',
  },
  CONFIGURATION_EXPOSED: {
    status: 400,
    detail: 'The mode of the configuration file % is %, so others may read it, and line % has a secret.',
    remedy:
      'Run chmod 600 on the file, or keep the secret in an environment variable or another file; docs/operate/agent.md says how to name it.',
  },
  PREFLIGHT_FAILED: {
    status: 400,
    detail: 'The migration cannot start. %',
    remedy: 'Nothing was changed. Fix the reported problem, then start the migration again.',
  },
  UNKNOWN_CALL: {
    status: 404,
    detail: 'There is no %.',
    remedy:
      'The calls are GET /api/v1/progress and POST /api/v1/start, load, pause, resume, commit, reverse, finish and confirmDrops.',
  },
  INVALID_REQUEST: {
    status: 400,
    detail: 'The request is not valid: %.',
    remedy: 'docs/migrate/sync.md lists the fields of each call.',
  },
  UNSUPPORTED_FIELD: {
    status: 400,
    detail: 'This value of the field % is not supported: %.',
    remedy: 'Omit the field. docs/migrate/sync.md lists what is supported.',
  },
  STANDBY: {
    status: 409,
    detail: 'This process is a standby. Process % on host % leads the migration.',
    remedy: 'Send the call there. This process takes over when that one ends or is silent.',
  },
  FOREIGN_PAGE: {
    status: 403,
    detail:
      'This API refuses requests from web pages other than its own console, and requests to host names other than %.',
    remedy:
      'Open the console under the address that linkspan sync prints, or call the API from a program on this machine.',
  },
  SYNC_TOKEN_MISSING: {
    status: 401,
    detail: 'This call needs the API token of this process.',
    remedy: 'Send the header Authorization: Bearer TOKEN. The token is in the file that --api-token-file names.',
  },
  SYNC_TOKEN_UNUSABLE: {
    status: 400,
    detail: 'The token file % cannot be used: %.',
    remedy: 'Create one, for example with (umask 077; openssl rand -hex 32 > FILE).',
  },
  METRICS_TOKEN_MISSING: {
    status: 400,
    detail: 'Metrics on % could be read by everybody who reaches that address.',
    remedy: 'Name a token file with --metrics-token-file or metrics.tokenFile, or listen on loopback (127.0.0.1).',
  },
  METRICS_TOKEN_UNUSABLE: {
    status: 400,
    detail: 'The token file of the metrics % cannot be used: %.',
    remedy: 'Create one, for example with (umask 077; openssl rand -hex 32 > FILE).',
  },
  CHECKS_FAILED: {
    status: 400,
    detail: 'Checks have failed: %.',
    remedy: 'Correct what they name, then check again.',
  },
  AUDIT_RECORDS_BROKEN: {
    status: 400,
    detail: 'Audit record % is the first with a problem: %.',
    remedy: 'Keep the data directory as it is, and compare it with a backup: someone or a failing disk has changed it.',
  },
  LOG_PATH_UNUSABLE: {
    status: 400,
    detail: 'The log in the directory % cannot be written: %.',
    remedy: 'Name a directory that this user may write to.',
  },
  SECRET_FILE_UNUSABLE: {
    status: 400,
    detail: '% % cannot be used: %.',
    remedy: 'Name a file with the secret that only this process and root can read.',
  },
  HOOK_SECRET_UNUSABLE: {
    status: 400,
    detail: 'The secret of hook % cannot be used: %.',
    remedy: 'Create one, for example with (umask 077; printf \'whsec_%s\' "$(openssl rand -base64 32)" > FILE).',
  },
  HOOK_UNKNOWN: {
    status: 400,
    detail: 'The hooks file % has no hook named %.',
    remedy: 'Use one of its hooks: %.',
  },
  HOOK_SCOPE_WITHOUT_SERVER: {
    status: 400,
    detail: 'Hook % has orgId or groupId, and a migration of linkspan sync has neither.',
    remedy: 'Remove them, or use another hooks file for linkspan sync.',
  },
  DROP_OF_OTHER_SIDE: {
    status: 400,
    detail: 'The destination of this start is %, but --drop-destination allows only % to be dropped.',
    remedy: 'Nothing was changed. Correct the direction, or start the process with the cluster that may be dropped.',
  },
  FLEET_CHANGE_REFUSED: {
    status: 400,
    detail: 'The file changes the % of entry % from % to %, which a migration keeps for its whole life.',
    remedy:
      'Nothing was changed. Correct the file, or give the entry another name for a new migration. A failed migration is replaced with --retry-failed.',
  },
  FLEET_DESTINATION_MOVED: {
    status: 400,
    detail: 'Destination % is registered with another address or other options (hosts %) than in the file (hosts %).',
    remedy: 'Nothing was changed. Correct the file, or change the registration with linkspan cluster update %.',
  },
  FLEET_DESTINATION_UNKNOWN: {
    status: 400,
    detail: 'Entry % has the destination %, which is neither in the file nor registered in the project.',
    remedy: 'Nothing was changed. Correct the name, or add the destination to the file.',
  },
  FLEET_UNREPORTED: {
    status: 400,
    detail: 'The server would refuse entries of fleet %, because no agent reports their source now: %.',
    remedy:
      'Compare agent, project and cluster of each with linkspan available-project list. A new agent reports within a minute.',
  },
  FLEET_UNKNOWN: {
    status: 400,
    detail: 'No migration of a fleet named % is in project %.',
    remedy: 'Check the name in the fleet file, and the project. linkspan apply creates the migrations of a fleet.',
  },
  FLEET_HELD: {
    status: 400,
    detail: '% of % entries of fleet % failed: %.',
    remedy:
      'Fix what the error of each of them says, then apply the file again with --retry-failed. The next wave begins when all of them are ready or complete.',
  },
  API_REFUSED: {
    status: 400,
    detail: 'The server refused: % (%).',
    remedy: '%See docs/reference/errors.md for the code in parentheses.',
  },
  API_BEHIND_PROXY: {
    status: 502,
    detail: 'A proxy at % answers with HTTP %, and not the Linkspan server behind it.',
    remedy: 'Check that linkspan serve runs, and that the proxy forwards to its address and port.',
  },
  API_URL_HAS_PATH: {
    status: 400,
    detail: 'The server at % has no API below the path %.',
    remedy:
      'Set LINKSPAN_URL or the url of the profile to %. A path is only for a proxy that removes it before it forwards.',
  },
  API_NOT_LINKSPAN: {
    status: 400,
    detail: 'The server at % answers (HTTP %), but it is not a Linkspan server.',
    remedy:
      'Set LINKSPAN_URL or the url of the profile to the address of linkspan serve, such as http://127.0.0.1:8080.',
  },
  API_NOT_TLS: {
    status: 400,
    detail: 'The server at % does not speak TLS.',
    remedy:
      'Without a certificate, linkspan serve speaks plain HTTP: set LINKSPAN_URL or the url of the profile to %, or give the server a certificate.',
  },
  API_UNAUTHORIZED: {
    status: 401,
    detail: 'The server at % does not accept the %: %.',
    remedy:
      'Check the keys of the profile, or LINKSPAN_PUBLIC_KEY and LINKSPAN_PRIVATE_KEY. For a service account, check clientId and clientSecret, ' +
      'or LINKSPAN_CLIENT_ID and LINKSPAN_CLIENT_SECRET. Credentials work only with the server that created them, until they are deleted.',
  },
  API_RATE_LIMITED: {
    status: 400,
    detail: 'The server takes no request of this key for % s: %.',
    remedy: 'Wait that long, or use `--watch` and `wait` in place of repeated commands: they wait by themselves.',
  },
  API_UNREACHABLE: {
    status: 502,
    detail: 'The server at % cannot be reached: %.',
    remedy: 'Check LINKSPAN_URL or the url of the profile, whether the server runs, and the network.',
  },
  API_OVER_PLAIN_HTTP: {
    status: 400,
    detail: 'This request would send secrets to % over plain HTTP, where anyone on the network path can read them.',
    remedy:
      'Use an https URL in LINKSPAN_URL or the profile. On a protected network, set LINKSPAN_PLAIN_HTTP=anywhere, or plainHttp: anywhere in the profile.',
  },
  PORT_IN_USE: {
    status: 400,
    detail: 'The address % is already in use.',
    remedy: 'Stop the other process, or choose another port with %.',
  },
});
