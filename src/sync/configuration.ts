import { z } from 'zod';
import { type BypassingWrites, LEAST_MEMORY_MEGABYTES } from '../engine/index.ts';
import { readConfiguration } from '../platform/index.ts';
import { type InitialLoad, loadFields } from './load-request.ts';
import { type RequestedSelection, requestedSelection, selectionFields } from './requested-selection.ts';

/** mongosync's `verbosity` and the log level of Linkspan that says as much. */
const logLevels = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
  FATAL: 'fatal',
  PANIC: 'fatal',
} as const;

const file = z.strictObject({
  cluster0: z.string().optional(),
  cluster1: z.string().optional(),
  port: z.int().min(0).max(65_535).optional(),
  apiTokenFile: z.string().optional(),
  usersAndRoles: z.boolean().optional(),
  memoryMegabytes: z.number().min(LEAST_MEMORY_MEGABYTES).optional(),
  bypassingWrites: z.enum(['drain', 'giveUp']).optional(),
  verbosity: z.enum(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'PANIC']).optional(),
  // Accepted so that a file written for mongosync works: Linkspan has neither a disclaimer to accept nor telemetry to switch off.
  acceptDisclaimer: z.boolean().optional(),
  disableTelemetry: z.boolean().optional(),
  ...loadFields,
  ...selectionFields,
});

/** What a configuration file says; a flag says more than the file. */
export interface SyncConfiguration {
  readonly cluster0?: string;
  readonly cluster1?: string;
  readonly port?: number;
  /** A file with the token that calls of the API must present. */
  readonly apiTokenFile?: string;
  readonly usersAndRoles?: boolean;
  readonly memoryMegabytes?: number;
  /** What a cutover does about writes of users who bypass the source's write block. */
  readonly bypassingWrites?: BypassingWrites;
  /** How hard the initial copy may work at first; undefined when the file does not say. */
  readonly load?: InitialLoad;
  readonly logLevel?: string;
  /** What a run with `--once` migrates and where to, in the fields of `/start`; undefined when the file has none of them. */
  readonly selection?: RequestedSelection;
}

/**
 * Reads a file with mongosync's keys (those that mean something here).
 * @throws UserError CONFIGURATION_UNREADABLE or CONFIGURATION_INVALID, naming the line and the key
 */
export function readSyncConfiguration(path: string): SyncConfiguration {
  const {
    cluster0,
    cluster1,
    port,
    apiTokenFile,
    usersAndRoles,
    memoryMegabytes,
    bypassingWrites,
    verbosity,
    loadLevel,
    maxMegabytesPerSecond,
    ...others
  } = readConfiguration(path, file);
  const selects = Object.keys(others).some((key) => Object.hasOwn(selectionFields, key));
  return {
    cluster0,
    cluster1,
    port,
    ...(apiTokenFile === undefined ? {} : { apiTokenFile }),
    usersAndRoles,
    ...(memoryMegabytes === undefined ? {} : { memoryMegabytes }),
    ...(bypassingWrites === undefined ? {} : { bypassingWrites }),
    ...(loadLevel === undefined && maxMegabytesPerSecond === undefined
      ? {}
      : { load: { loadLevel, maxMegabytesPerSecond } }),
    logLevel: verbosity && logLevels[verbosity],
    ...(selects ? { selection: requestedSelection(others) } : {}),
  };
}
