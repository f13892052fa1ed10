import { defineErrors } from './define.ts';

/** What can be wrong with a command, its flags, its files or its machine. */
export const commandLineErrors = defineErrors({
  NODE_TOO_OLD: {
    status: 500,
    detail: 'Node.js % is too old for Linkspan.',
    remedy: 'Run npm ci, which brings the right one on Linux, or install Node.js 22.18 or newer.',
  },
  USAGE: {
    status: 400,
    detail: '%.',
    remedy: 'See linkspan --help.',
  },
  CONFIGURATION_UNREADABLE: {
    status: 400,
    detail: 'The configuration file % cannot be read: %.',
    remedy: 'Check its path and that you may read it.',
  },
  CONFIGURATION_INVALID: {
    status: 400,
    detail: 'The configuration file % is not valid, line %: %.',
    remedy: 'Correct that line; docs/03-agent.md and docs/04-sync.md list every key.',
  },
  PREFLIGHT_FAILED: {
    status: 400,
    detail: 'The migration cannot start. %',
    remedy: 'Nothing was changed. Correct this, then start again.',
  },
  UNKNOWN_CALL: {
    status: 404,
    detail: 'There is no %.',
    remedy: 'The calls are GET /api/v1/progress and POST /api/v1/start, load, pause, resume, commit and reverse.',
  },
  INVALID_REQUEST: {
    status: 400,
    detail: 'The request is not valid: %.',
    remedy: 'See docs/04-sync.md for what each call takes.',
  },
  UNSUPPORTED_FIELD: {
    status: 400,
    detail: 'The field % with this value is not supported: %.',
    remedy: 'Leave it out. docs/04-sync.md lists what is supported.',
  },
  NOT_SUPPORTED_YET: {
    status: 400,
    detail: '% is not supported yet.',
    remedy: 'See docs/04-sync.md for what is.',
  },
  FOREIGN_ORIGIN: {
    status: 403,
    detail: 'This API has no authentication, so it answers neither web pages nor other host names than %.',
    remedy: 'Call it from a program on this machine.',
  },
  SYNC_TOKEN_MISSING: {
    status: 401,
    detail: 'This call needs the token of this process.',
    remedy: 'Send it: Authorization: Bearer TOKEN. The file that --api-token-file names has it.',
  },
  SYNC_TOKEN_UNUSABLE: {
    status: 400,
    detail: 'The token file % cannot be used: %.',
    remedy: 'Make one, for instance: (umask 077; openssl rand -hex 32 > FILE).',
  },
  DROP_OF_OTHER_SIDE: {
    status: 400,
    detail: 'The destination of this start is %, but --drop-destination permits to drop % alone.',
    remedy: 'Nothing was changed. Correct the direction, or start the process with the side that may be dropped.',
  },
  API_REFUSED: {
    status: 400,
    detail: 'The server refused: % (%).',
    remedy: 'docs/errors.md has the code in parentheses, and what to do.',
  },
  API_UNAUTHORIZED: {
    status: 401,
    detail: 'The server at % does not accept the %: %.',
    remedy:
      'Check the keys of the profile, or LINKSPAN_PUBLIC_KEY and LINKSPAN_PRIVATE_KEY; of a service account clientId and clientSecret, or ' +
      'LINKSPAN_CLIENT_ID and LINKSPAN_CLIENT_SECRET. Each works only with the server that made it, until it is deleted.',
  },
  API_UNREACHABLE: {
    status: 502,
    detail: 'The server at % cannot be reached: %.',
    remedy: 'Check LINKSPAN_URL or the url of the profile, that the server runs, and the network.',
  },
  API_OVER_PLAIN_HTTP: {
    status: 400,
    detail: 'Secrets would go to % over plain HTTP, where everybody on the way can read them.',
    remedy:
      'Use an https URL in LINKSPAN_URL or the profile. Where the way is safe, set LINKSPAN_PLAIN_HTTP=anywhere, or plainHttp: anywhere in the profile.',
  },
  PORT_IN_USE: {
    status: 400,
    detail: 'The address % is already in use.',
    remedy: 'Stop the other process, or choose another port.',
  },
});
