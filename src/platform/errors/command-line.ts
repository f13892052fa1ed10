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
  PORT_IN_USE: {
    status: 400,
    detail: 'The address % is already in use.',
    remedy: 'Stop the other process, or choose another port.',
  },
});
