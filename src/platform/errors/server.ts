import { defineErrors } from './define.ts';

/** Errors of a server that does not start. */
export const serverErrors = defineErrors('request', {
  DATA_DIRECTORY_IN_USE: {
    status: 400,
    detail: 'The data directory % is in use by another Linkspan process.',
    remedy:
      'Stop the other process, or choose another directory: --data-dir of linkspan serve, dataDir in the configuration of linkspan agent.',
  },
  DATA_DIRECTORY_UNUSABLE: {
    status: 400,
    detail: 'The data directory % cannot be used: %.',
    remedy:
      'Set --data-dir, LINKSPAN_DATA_DIR or dataDir in the configuration of linkspan agent to a directory that this user can create and write to.',
  },
  MASTER_KEY_UNUSABLE: {
    status: 400,
    detail: 'The master key file % cannot be used: %.',
    remedy: 'Set LINKSPAN_MASTER_KEY_FILE to the key file that this data directory was first started with.',
  },
  BOOTSTRAP_MISMATCH: {
    status: 400,
    detail:
      'The LINKSPAN_BOOTSTRAP_ values name another organization or API key than the one that this data directory was first started with.',
    remedy: 'Unset the LINKSPAN_BOOTSTRAP_ values, correct them, or use a new data directory.',
  },
  PLAIN_HTTP_REFUSED: {
    status: 400,
    detail: 'Plain HTTP on % would send keys and tokens over the network unencrypted.',
    remedy:
      'Set a certificate (--tls-cert-file and --tls-key-file), listen on loopback behind a proxy that has one, or allow plain HTTP with --plain-http anywhere.',
  },
});
